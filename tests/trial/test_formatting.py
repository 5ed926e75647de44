"""Text for people: the sign of a maximised value is flipped in one place, and numbers are rounded alike everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hpsearch
from hpsearch.trial import flip_sign, format_value
from hpsearch.trial.formatting import count, duration, number_ranges, params_line

PACKAGE = Path(hpsearch.__file__).parent
# What turns a sign by a direction: `-x if ... maximize`, `-1 if self.maximize`, `1 if not maximize else -1`.
FLIPS = re.compile(r"-[\w.()]+ if (not )?[\w.]*maximi[sz]e|else -[\w.()]+")
# The way out; the way in, whose factor the study passes to its tasks; a rule on curves, which are never negated; an axis.
ALLOWED = {
    "trial/formatting.py", "execution/outcome.py", "study.py", "search/config.py", "search/stopping.py", "analysis/scales.py",
}  # fmt: skip


def test_a_maximised_value_is_negated_back_and_a_minimised_one_is_left_alone() -> None:
    assert (flip_sign(-0.9, True), flip_sign(0.9, True), flip_sign(0.9, False)) == (0.9, -0.9, 0.9)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.012345678, "0.01235"), (-0.0, "0"), (float("nan"), "nan"), (3, "3"), (True, "True"), ("relu", "relu"), (1e-7, "1e-07")],
)
def test_values_have_four_significant_digits(value: object, text: str) -> None:
    assert format_value(value) == text


def test_no_other_module_flips_the_sign_of_a_maximised_value() -> None:
    flips = {
        f"{file.relative_to(PACKAGE)}: {line.strip()}"
        for file in PACKAGE.rglob("*.py")
        for line in file.read_text().splitlines()
        if "maximi" in line and FLIPS.search(line) and str(file.relative_to(PACKAGE)) not in ALLOWED
    }
    assert flips == set()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (60, "1 min 0 s"),
        (119.9, "1 min 59 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (7321, "2 h 2 min"),
        (90061, "25 h 1 min"),
    ],
)
def test_durations_by_hand(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_params_stand_on_one_line() -> None:
    assert params_line({"rate": 0.10000001, "layers": (30, 10), "act": "relu"}) == "rate=0.1 layers=(30, 10) act=relu"


@pytest.mark.parametrize(
    ("number", "noun", "text"), [(1, "study", "1 study"), (2, "study", "2 studies"), (0, "trial", "0 trials")]
)
def test_counts_agree_with_their_nouns(number: int, noun: str, text: str) -> None:
    assert count(number, noun) == text


@pytest.mark.parametrize(
    ("numbers", "text"), [([], ""), ([4], "4"), ([3, 4], "3-4"), ([0, 1, 2, 5, 7, 8], "0-2, 5, 7-8"), ([9, 1, 9], "1, 9")]
)
def test_whole_numbers_are_named_by_their_ranges(numbers: list[int], text: str) -> None:
    assert number_ranges(numbers) == text
