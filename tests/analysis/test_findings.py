"""What the pictures are drawn from: which trials are kept of many, and how axes are laid out."""

from __future__ import annotations

import pytest

from hpsearch.analysis.findings import spread
from hpsearch.analysis.history import in_order_of_ending, moments
from hpsearch.analysis.scales import Scale, value_scale
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
