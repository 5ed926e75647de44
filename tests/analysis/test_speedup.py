"""Who is ahead, and how much sooner: against searches whose speed-up is known exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.analysis.sample import Array
from hpsearch.analysis.speedup import chance_of_beating, speed_up
from hpsearch.errors import SettingError

BUDGETS = np.arange(1, 65)


def random_search(rng: np.random.Generator, n: int, draws: int = 1) -> Array:
    """Best so far of n searches over a uniform value; with two draws a trial it is random search at twice the speed."""
    return np.minimum.accumulate(rng.random((n, 64, draws)).min(axis=2), axis=1)


def test_the_chance_counts_pairs_and_half_of_the_ties() -> None:
    a = [[1.0, 1.0], [2.0, 1.0], [math.inf, 1.0], [math.inf, 0.0]]
    b = [[2.0, 2.0], [1.0, 2.0], [math.inf, 2.0], [3.0, 1.0]]
    assert [one.centre for one in chance_of_beating(a, b)] == [(1 + 0 + 0.5 + 0) / 4, 1.0]


def test_a_search_of_two_draws_a_trial_wins_two_times_out_of_three() -> None:
    """The lowest of 3k exchangeable draws is among its 2k: 2/3 at every budget; held by .95 of the intervals.

    400 comparisons: .95 less 4 standard errors of .0109. Wilson's interval of 30 repetitions is a little conservative here.
    """
    rng = np.random.default_rng(0)
    held, centres = [], []
    for _ in range(400):
        chances = chance_of_beating(random_search(rng, 30, 2), random_search(rng, 30))
        held.append(2 / 3 in chances[20])
        centres.append(chances[20].centre)
    assert np.mean(centres) == pytest.approx(2 / 3, abs=4 * math.sqrt(2 / 9 / 30 / 400))
    assert np.mean(held) >= 0.95 - 4 * 0.0109


@pytest.mark.parametrize("n", [10, 20])
def test_the_limits_hold_a_speed_up_of_two(n: int) -> None:
    """After 32 trials against two draws a trial: the means are equal at 16, so the factor is 2 exactly.

    500 comparisons: at least .95 less 4 standard errors (.0097), and not all, which limits that say nothing would do.
    """
    rng = np.random.default_rng(n)
    found = [speed_up(random_search(rng, n, 2), random_search(rng, n), BUDGETS, at=31) for _ in range(500)]
    held = np.mean([one.low <= 2 <= one.high for one in found])
    assert 0.95 - 4 * 0.0097 <= held < 1
    assert np.median([one.factor or 0 for one in found]) == pytest.approx(2, abs=0.3)


def test_a_search_is_as_fast_as_itself() -> None:
    curves = random_search(np.random.default_rng(3), 20)
    curves[:, -1] -= 1e-6  # the last step is one for all, so that nothing before is as good
    found = speed_up(curves, curves, BUDGETS)
    assert found.factor == 1
    assert found.low <= 1 <= found.high


def test_what_is_never_reached_is_said_to_be_so() -> None:
    """At the end the first search is clearly worse than the second: the factor is below 1, how far nobody saw."""
    slow, fast = np.full((5, 4), 3.0), np.ones((5, 4))
    slow += np.arange(5)[:, None] / 100
    found = speed_up(slow, fast, [1, 2, 4, 8], at=1)
    assert (found.needed, found.factor, found.low) == (None, None, 0.0)
    assert found.high == 2 / 8


def test_what_is_reached_at_once_sets_no_upper_limit() -> None:
    slow, fast = np.full((5, 3), 3.0), np.ones((5, 3))
    slow += np.arange(5)[:, None] / 100
    found = speed_up(fast, slow, [1, 2, 4])
    assert (found.needed, found.factor, found.low, found.high) == (1, 4, 4, math.inf)


def test_in_doubt_everywhere_nothing_is_claimed() -> None:
    a, b = (np.repeat([[value] for value in column], 3, axis=1) for column in ([1.0, 2.0, 3.0, 4.0], [2.0, 1.0, 4.0, 3.0]))
    found = speed_up(a, b, [1, 2, 4])
    assert (found.low, found.high) == (0, math.inf)


def test_a_repetition_that_has_nothing_yet_counts_as_worse() -> None:
    a = np.array([[math.inf, 1.0], [1.0, 1.0], [1.1, 1.0]])
    found = speed_up(a, [[2.0, 2.0], [2.1, 2.1], [2.2, 2.2]], [10.0, 20.0])
    assert (found.needed, found.high) == (20, 2)


@settings(deadline=None)  # the first call loads scipy
@given(st.integers(0, 1000), st.floats(-5, 5), st.floats(0.1, 10))
def test_order_of_repetitions_shift_and_scale_change_nothing(seed: int, shift: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = random_search(rng, 8, 2), random_search(rng, 8)
    mixed = rng.permutation(8)
    found, moved = speed_up(a, b, BUDGETS), speed_up(scale * a[mixed] + shift, scale * b[mixed] + shift, BUDGETS)
    assert (moved.low, moved.high) == (found.low, found.high)
    assert found.low <= (found.factor or 0) or found.factor is None
    assert found.factor is None or found.factor <= found.high


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(SettingError, match=r"of one shape \(repetitions, budgets\), got \(\(3, 2\), \(3, 3\)\)"):
        chance_of_beating(np.ones((3, 2)), np.ones((3, 3)))
    with pytest.raises(SettingError, match="Two searches must be repeated at least 3 times, got 2"):
        speed_up(np.ones((2, 2)), np.ones((2, 2)), [1, 2])
    with pytest.raises(SettingError, match="budgets must be 2 rising numbers > 0"):
        speed_up(np.ones((3, 2)), np.ones((3, 2)), [2, 1])
    with pytest.raises(SettingError, match="one that has found something at its budget"):
        speed_up(np.ones((3, 2)), np.full((3, 2), math.inf), [1, 2])


@pytest.mark.parametrize("budgets", [[0, 1], [-1, 1], [2, 1], [1, 1], [1, 2, 3]])
def test_budgets_rise_from_above_zero(budgets: list[int]) -> None:
    search = [[3.0, 1.0]] * 5
    assert speed_up(search, search, [1, 2]).factor == 1.0
    with pytest.raises(SettingError, match="budgets must be 2 rising numbers > 0"):
        speed_up(search, search, budgets)
