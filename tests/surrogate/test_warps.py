"""Warps of values: order, scale, and values that are hard on them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from hpsearch import Outcome, Status, Trial
from hpsearch.surrogate import WARPS, impute_values, keep_best_and_newest
from hpsearch.surrogate.warps import Warp, clip, to_scores

VALUES = st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=40)


def trial(value: float, status: Status = Status.FINISHED) -> Trial:
    return Trial(0, {}, "all", status, Outcome(value))


@pytest.mark.parametrize("warp", WARPS)
@settings(deadline=None)
@given(values=VALUES)
def test_keeps_the_order_and_has_mean_zero(warp: Warp, values: list[float]) -> None:
    warped = warp(np.array(values))
    assert np.isfinite(warped).all()
    assert (np.diff(warped[np.argsort(values, kind="stable")]) >= -1e-9).all()
    assert warped.mean() == pytest.approx(0.0, abs=1e-6)
    assert np.isclose(warped.std(), 1.0) or np.allclose(warped, 0.0, atol=1e-6)


@pytest.mark.parametrize("warp", WARPS)
def test_equal_values_become_zeros(warp: Warp) -> None:
    assert warp(np.full(5, 0.3)).tolist() == [0.0] * 5


@pytest.mark.parametrize("warp", WARPS)
def test_one_terrible_value_leaves_the_good_ones_apart(warp: Warp) -> None:
    """Standardised alone, nine values from .1 to .9 beside 1e6 would lie within a millionth of each other."""
    warped = warp(np.append(np.linspace(0.1, 0.9, 9), 1e6) / 1e6)
    assert warped[8] - warped[0] > 0.8


def test_scores_are_normal_quantiles_of_the_ranks() -> None:
    values = np.array([3.0, 1.0, 2.0, 5.0])
    expected = norm.ppf([0.625, 0.125, 0.375, 0.875])
    assert to_scores(values) == pytest.approx(expected / expected.std())


def test_clips_at_three_times_the_distance_of_the_best() -> None:
    """Median 2, least 1: everything above 5 is 5."""
    assert clip(np.array([1.0, 2.0, 2.0, 9.0, 80.0]))[3:] == pytest.approx([clip(np.array([1.0, 2.0, 2.0, 5.0, 5.0]))[4]] * 2)


def test_failed_trials_are_told_as_the_worst_finite_value() -> None:
    trials = [trial(2.0), trial(np.nan, Status.FAILED), trial(4.0), trial(np.inf), trial(np.nan, Status.STOPPED)]
    assert impute_values(trials).tolist() == [0.5, 1.0, 1.0, 1.0, 1.0]


def test_stopped_trials_are_told_as_expected_and_never_beyond_the_worst() -> None:
    trials = [trial(2.0), trial(4.0), trial(3.0, Status.STOPPED), trial(9.0, Status.STOPPED)]
    assert impute_values(trials).tolist() == [0.5, 1.0, 0.75, 1.0]


def test_without_a_finite_value_nothing_is_told() -> None:
    assert impute_values([trial(np.nan, Status.FAILED), trial(np.inf)]) is None


@pytest.mark.parametrize("values", [[1e300, -1e300, 0.0, 5e299], [1e-300, 2e-300, 3e-300], [0.0, 0.0]])
def test_any_magnitude_can_be_told(values: list[float]) -> None:
    told = impute_values([trial(value) for value in values])
    with np.errstate(all="raise", under="ignore"):
        warped = [warp(told) for warp in WARPS]
    assert np.isfinite(warped).all()
    assert np.ptp(warped[1]) > 1 or np.ptp(values) == 0


def test_keeps_the_best_and_the_newest_of_very_many() -> None:
    values = np.arange(1000.0)
    assert keep_best_and_newest(values, 300).tolist() == [*range(150), *range(850, 1000)]
    assert keep_best_and_newest(values, 301).tolist() == [*range(151), *range(850, 1000)]
    assert keep_best_and_newest(values[:300], 300).tolist() == list(range(300))
    assert len(set(keep_best_and_newest(-values, 300).tolist())) == 300
