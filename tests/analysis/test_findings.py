"""What the pictures are drawn from: which trials are kept of many, and how axes are laid out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hpsearch.analysis.findings import Findings, spread
from hpsearch.analysis.history import in_order_of_ending, moments
from hpsearch.analysis.scales import Scale, beyond, short, value_scale
from hpsearch.space import Float, Space
from hpsearch.trial import Outcome, Status, Trial


def trials(count: int) -> list[Trial]:
    ended = [Outcome(float(n * 37 % count)) for n in range(count)]
    return [Trial(n, {}, "all", Status.FINISHED, o, started=float(count - n), seconds=1.0) for n, o in enumerate(ended)]


def test_of_many_trials_the_best_and_an_even_choice_are_kept() -> None:
    many = trials(1000)
    ranks = {trial.number: trial.value / 999 for trial in many}
    kept = spread(many, ranks, 150, leaders=50)
    assert len(kept) == 150
    assert {trial.number for trial in many if trial.value < 50} <= {trial.number for trial in kept}
    assert [trial.number for trial in kept] == sorted({trial.number for trial in kept})
    assert spread(many, ranks, 1000) == many


def test_time_goes_by_in_the_order_in_which_trials_ended() -> None:
    few = trials(4)
    assert [trial.number for trial in in_order_of_ending(few)] == [3, 2, 1, 0]
    assert [moment.seconds for moment in moments(few)] == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("values", "log"), [([0.1, 0.2, 0.9], False), ([0.01, 0.1, 1.0], True), ([-1.0, 100.0], False), ([0.0, 100.0], False)]
)
def test_wide_positive_values_are_read_off_a_logarithmic_axis(values: list[float], log: bool) -> None:
    axis = value_scale(values)
    assert axis.log is log
    assert axis.low <= min(values) <= max(values) <= axis.high


def test_the_good_end_is_never_cut_off() -> None:
    values = [*(-0.01 * n for n in range(50)), -1e9, 1e9]
    low, high = value_scale(values), value_scale(values, maximize=True)
    assert low.low <= -1e9
    assert high.high >= 1e9
    assert value_scale([float("nan"), float("inf")]) == Scale(0.0, 1.0)


def test_findings_by_hand() -> None:
    ends = [
        ("pre-flight", Status.FINISHED, 0.5),
        ("coarse", Status.FINISHED, -3.0),
        ("coarse", Status.FAILED, 0.0),
        ("fine", Status.FINISHED, -4.0),
        ("fine", Status.FINISHED, -3.5),
    ]
    each = [
        Trial(n, {}, stage, status, Outcome(value), error="burst" if status is Status.FAILED else None)
        for n, (stage, status, value) in enumerate(ends)
    ]
    findings = Findings("s", "accuracy", True, Space(x=Float(0, 1)), each, each[3], lambda: iter(()))  # type: ignore[arg-type,return-value]
    assert [t.number for t in findings.searching] == [1, 2, 3, 4]
    assert [t.number for t in findings.finished] == [3, 4, 1]
    assert [t.number for t in findings.unfinished] == [2]
    assert findings.ranks == {3: 0.0, 4: 0.5, 1: 1.0}
    assert findings.stages == [(1, "coarse"), (3, "fine")]
    assert findings.value(each[3]) == 4.0
    assert replace(findings, trials=each[:2]).ranks == {1: 0.0}
    assert findings.why_nothing.endswith("burst")


def test_an_axis_of_maximised_values_mirrors_that_of_minimised_ones() -> None:
    """Values as people read them: the best is the largest, so the axis of -v is that of v turned round."""
    values = [-3.0, -2.0, -1.0, 0.5]
    axis, mirrored = value_scale(values), value_scale([-value for value in values], maximize=True)
    assert not axis.log
    assert (mirrored.low, mirrored.high) == pytest.approx((-axis.high, -axis.low))
    far, turned = value_scale([*values, 1e6]), value_scale([*(-value for value in values), -1e6], maximize=True)
    assert (turned.low, turned.high) == pytest.approx((-far.high, -far.low))
    assert far.high < 1e3


@pytest.mark.parametrize(("values", "log"), [([1.0, 20.0], True), ([1.0, 19.9], False), ([0.0, 19.0], False)])
def test_a_factor_of_twenty_makes_an_axis_logarithmic(values: list[float], log: bool) -> None:
    assert value_scale(values).log is log


def test_values_beyond_an_axis_are_counted() -> None:
    assert beyond([0.0, 1.0, 1.01, -0.01, float("inf")], Scale(0.0, 1.0)) == 3


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [("abcdefghij", 10, "abcdefghij"), ("abcdefghijk", 10, "abcdef…ijk"), (" a\n b ", 10, "a b"), ("", 10, "''")],
)
def test_a_label_loses_its_middle(text: str, width: int, shown: str) -> None:
    """By hand: of ten characters one is the gap, two fifths of the other nine stand behind it, rounded down."""
    assert short(text, width) == shown
