"""Two arms: how often alike ones are called different, how often different ones are found, and what Holm's rule adds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hpsearch.analysis.differences import Difference, all_differences, difference
from hpsearch.analysis.intervals import Interval
from hpsearch.analysis.sample import Array
from hpsearch.errors import SettingError

Noise = Callable[[np.random.Generator, int], Array]


def normal(rng: np.random.Generator, n: int) -> Array:
    return rng.standard_normal(n)


def exponential_best(rng: np.random.Generator, n: int) -> Array:
    """The best of 8 trials whose errors are exponential, beside a noise of the seed's own."""
    return rng.exponential(size=(n, 8)).min(axis=1)


def heavy(rng: np.random.Generator, n: int) -> Array:
    """Errors with rare disasters: lognormal, skewness over 30."""
    return rng.lognormal(sigma=1.5, size=n)


def discrete(rng: np.random.Generator, n: int) -> Array:
    """Error rates on a small validation part, best of 4 trials: many ties."""
    return rng.binomial(200, 0.05, size=(n, 4)).min(axis=1) / 200


@pytest.mark.parametrize("noise", [normal, exponential_best, heavy, discrete])
@pytest.mark.parametrize("n", [10, 20])
def test_alike_strategies_are_rarely_told_apart(n: int, noise: Noise) -> None:
    """2,000 comparisons at 5 %: at most 6.5 %, 3 standard errors (.0049) above; the seeds are fixed.

    Measured with these seeds (10 and 20 repetitions): normal .0495 and .0485, exponential best of 8 .0395 and .0455, lognormal
    .0205 and .0270, error rates .0515 and .0445. Each pair also shares a noise of its seed.
    """
    rng = np.random.default_rng(n)
    shared = rng.standard_normal((2000, n))
    verdicts = [difference(seed + noise(rng, n), seed + noise(rng, n)).verdict for seed in shared]
    assert np.mean([verdict != "tie" for verdict in verdicts]) <= 0.065


def test_false_differences_do_occur_as_often_as_said() -> None:
    """A test that never said anything would pass the one above: with normal noise, 5 % to 4 standard errors (.0049)."""
    rng = np.random.default_rng(1)
    verdicts = [difference(normal(rng, 20), normal(rng, 20)).verdict for _ in range(2000)]
    assert np.mean([verdict != "tie" for verdict in verdicts]) == pytest.approx(0.05, abs=0.0195)
    assert {"better", "worse", "tie"} == set(verdicts)


def test_a_difference_of_one_standard_deviation_is_found() -> None:
    """At 20 repetitions .989 by theory (non-central t, scipy), to 4 standard errors of 2,000 comparisons; .95 is asked."""
    rng = np.random.default_rng(2)
    arms = [(seed, seed + 1 + normal(rng, 20)) for seed in 10 * rng.standard_normal((2000, 20))]
    found = np.mean([difference(a, b).verdict == "better" for a, b in arms])
    theory = stats.nct.sf(stats.t.ppf(0.975, 19), 19, np.sqrt(20))
    assert theory == pytest.approx(0.989, abs=0.0005)
    assert found == pytest.approx(theory, abs=4 * np.sqrt(theory * (1 - theory) / 2000))
    assert found >= 0.95


@pytest.mark.parametrize("n", [3, 10, 40])
def test_p_value_and_interval_are_scipys(n: int) -> None:
    rng = np.random.default_rng(n)
    a, b = rng.standard_normal((2, n))
    reference, found = stats.ttest_rel(a, b), difference(a, b, level=0.9)
    assert found.p_value == pytest.approx(reference.pvalue, abs=1e-12)
    low, high = reference.confidence_interval(0.9)
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high), abs=1e-12)


@settings(deadline=None)  # the first call loads scipy
@given(st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), min_size=3, max_size=15), st.integers(-5, 5))
def test_arms_change_places_and_shifts_change_nothing(pairs: list[tuple[int, int]], shift: int) -> None:
    a, b = (np.array(column, float) for column in zip(*pairs, strict=True))
    found, turned = difference(a, b), difference(b, a)
    assert turned.p_value == found.p_value
    assert {found.verdict, turned.verdict} in ({"tie"}, {"better", "worse"})
    moved = difference(a[::-1] + shift, b[::-1] + shift)
    assert moved.p_value == pytest.approx(found.p_value, abs=1e-9)


@settings(deadline=None)  # the first call loads scipy
@given(st.lists(st.floats(-10, 10), min_size=3, max_size=12))
def test_the_verdict_is_what_the_interval_says(values: list[float]) -> None:
    found = difference(values, [0.0] * len(values))
    inside = found.interval.low < 0 < found.interval.high
    assert not inside or found.verdict == "tie"


def test_arms_without_noise_are_equal_or_certainly_different() -> None:
    assert (difference([1, 2, 3], [1, 2, 3]).verdict, difference([1, 2, 3], [1, 2, 3]).p_value) == ("tie", 1.0)
    assert (difference([1, 2, 3], [2, 3, 4]).verdict, difference([1, 2, 3], [2, 3, 4]).p_value) == ("better", 0.0)


def test_many_alike_arms_are_told_apart_no_more_often() -> None:
    """Five alike arms, ten pairs: some false difference in at most 5 % (plus 4 standard errors) of 500 comparisons.

    Without Holm's rule it would be about 25 %.
    """
    rng = np.random.default_rng(3)
    adjusted, plain = [], []
    for _ in range(500):
        arms = dict(zip("abcde", rng.standard_normal((5, 10)), strict=True))
        found = all_differences(arms)
        adjusted.append(any(one.verdict != "tie" for one in found.values()))
        plain.append(any(difference(arms[a], arms[b]).verdict != "tie" for a, b in found))
    assert np.mean(adjusted) <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 500)
    assert np.mean(plain) > 0.15


def test_pairs_have_joint_intervals_and_adjusted_p_values() -> None:
    rng = np.random.default_rng(4)
    arms = {"a": rng.standard_normal(8), "b": rng.standard_normal(8), "c": rng.standard_normal(8) + 5}
    found = all_differences(arms)
    alone = [difference(arms[a], arms[b]).p_value for a, b in found]
    smallest = min(alone)
    assert [one.p_value for one in found.values()][alone.index(smallest)] == pytest.approx(3 * smallest)
    assert {round(one.interval.level, 6) for one in found.values()} == {round(1 - 0.05 / 3, 6)}


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(SettingError, match="The first contender must be at least 3 repetitions, got 2"):
        difference([1, 2], [1, 2])
    with pytest.raises(SettingError, match=r"A comparison must be of at least two contenders, got \['a'\]"):
        all_differences({"a": [1, 2, 3]})


@pytest.mark.parametrize(("p_value", "verdict"), [(0.049, "better"), (0.05, "tie"), (0.9, "tie")])
def test_a_difference_is_one_below_five_per_cent(p_value: float, verdict: str) -> None:
    assert Difference(Interval(-2.0, -1.0, 0.0, 0.95), p_value).verdict == verdict
