"""Progress of a search against its cost, read off trials that were counted by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import Outcome, Status, Trial
from hpsearch.analysis.regret import Progress, area_under_regret, progress
from hpsearch.errors import SettingError
from hpsearch.trial import Curve


def trial(number: int, value: float, seconds: float = 1.0, **more: object) -> Trial:
    done = Trial(number, {}, "all", Status.FINISHED, Outcome(value), seconds=seconds)
    return replace(done, **more)  # type: ignore[arg-type]


def failed(number: int, **more: object) -> Trial:
    return trial(number, math.nan, status=Status.FAILED, outcome=None, **more)


values = st.lists(st.floats(0, 10), min_size=1, max_size=20)


def test_by_trials_everything_counts_and_only_finished_trials_are_found() -> None:
    trials = [trial(0, 0.1, stage="pre-flight"), failed(1), trial(2, 5.0), trial(3, 7.0), trial(4, 2.0)]
    found = progress(trials)
    assert found.spent.tolist() == [1, 2, 3, 4, 5]
    assert found.best.tolist() == [math.inf, math.inf, 5, 5, 2]
    assert found.at([0.5, 3, 4.9, 5, 99]).tolist() == [math.inf, 5, 5, 2, 2]


def test_seconds_are_those_of_all_trials_one_after_the_other() -> None:
    found = progress([trial(0, 3.0, 2.5), failed(1, seconds=4.0), trial(2, 1.0, 0.5)], "seconds")
    assert found.spent.tolist() == [2.5, 6.5, 7.0]
    assert found.at([2.4, 2.5, 6.9, 7.0]).tolist() == [math.inf, 3, 3, 1]


def test_a_continued_trial_costs_what_it_adds() -> None:
    """Rungs of 1, 3 and 9 epochs: 1 + 1, then 2 more for the better one, then 6 more."""
    trials = [trial(0, 3.0, budget=1), trial(1, 4.0, budget=1)]
    trials += [trial(2, 2.0, budget=3, continues=0), trial(3, 1.0, budget=9, continues=2)]
    assert progress(trials, "epochs").spent.tolist() == [1, 2, 4, 10]


def test_a_trial_that_stopped_early_costs_the_epochs_of_its_curve() -> None:
    curve: Curve = ((1, 0.5), (2, 0.4), (3, 0.45))
    stopped = trial(0, 0.4, budget=30, outcome=Outcome(0.4, history={"error": curve}))
    assert progress([stopped, failed(1, budget=30)], "epochs").spent.tolist() == [3, 33]


def test_the_area_is_the_integral_of_the_steps() -> None:
    """Best 4, 2, 1 at 1, 2 and 5 over an optimum of 1: 3 for one unit, 1 for three, 0 for five, over nine."""
    search = Progress(np.array([1.0, 2.0, 5.0]), np.array([4.0, 2.0, 1.0]))
    assert area_under_regret(search, 1.0, start=1, end=10) == pytest.approx((3 * 1 + 1 * 3 + 0 * 5) / 9)
    assert area_under_regret(search, 1.0, start=1.5, end=3) == pytest.approx((3 * 0.5 + 1 * 1) / 1.5)
    assert area_under_regret(search, 1.0, start=0, end=10) == math.inf


@given(values)
def test_progress_never_rises_and_ends_at_the_minimum(found: list[float]) -> None:
    curve = progress([trial(i, v) for i, v in enumerate(found)])
    assert (np.diff(curve.best) <= 0).all()
    assert curve.at(len(found)) == min(found)


@given(values, st.floats(-5, 5))
def test_a_shift_of_values_and_optimum_leaves_the_area(found: list[float], shift: float) -> None:
    end = len(found) + 3
    areas = [
        area_under_regret(progress([trial(i, v + by) for i, v in enumerate(found)]), by, start=1, end=end)
        for by in (0.0, shift)
    ]
    assert areas[1] == pytest.approx(areas[0], abs=1e-9)
    assert 0 <= areas[0] <= max(found) + 1e-9


def test_the_area_is_the_mean_of_a_fine_grid() -> None:
    search = progress([trial(i, v, s) for i, (v, s) in enumerate(np.random.default_rng(0).random((12, 2)))], "seconds")
    start, end = float(search.spent[0]), float(search.spent[-1]) + 1
    grid = start + (np.arange(200_000) + 0.5) / 200_000 * (end - start)
    assert area_under_regret(search, 0.0, start, end) == pytest.approx(search.at(grid).mean(), abs=1e-4)


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(SettingError, match="unit must be one of 'trials', 'epochs', 'seconds', got 'hours'"):
        progress([trial(0, 1.0)], "hours")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=r"Trial 0 must be run with a budget.*Compare by trials or seconds"):
        progress([trial(0, 1.0)], "epochs")
    with pytest.raises(SettingError, match=r"start < end, got \(5, 5\)"):
        area_under_regret(Progress(np.ones(1), np.ones(1)), 0.0, 5, 5)
