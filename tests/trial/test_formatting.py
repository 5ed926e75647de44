"""Text for people: the sign of a maximised value is flipped in one place, and numbers are rounded alike everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hpsearch
from hpsearch.trial import flip_sign, format_value

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
