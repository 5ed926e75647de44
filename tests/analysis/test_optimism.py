"""Flattery and doublings; expectations from order statistics of the normal law (scipy) and from arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from hpsearch.analysis.optimism import counting_noise, doubling, error_of_difference, optimism, seed_noise
from hpsearch.errors import SettingError
from hpsearch.trial import Outcome, Status, Trial, candidates


def lowest_of(n: int) -> float:
    """Return the expected lowest of n standard normal values, by integration."""
    density = lambda x: x * n * stats.norm.pdf(x) * stats.norm.sf(x) ** (n - 1)  # noqa: E731
    return float(integrate.quad(density, -12, 12)[0])


@pytest.mark.parametrize("n", [1, 2, 16])
def test_equal_settings_are_flattered_by_the_lowest_order_statistic(n: int) -> None:
    found = optimism(np.zeros(n), 0.5, np.random.default_rng(0))
    assert found == pytest.approx(-0.5 * lowest_of(n), abs=4 * 0.5 / 100)  # four standard errors of 10,000 draws


def test_a_clear_winner_is_not_flattered_and_without_noise_nobody_is() -> None:
    assert optimism([0.0, 10.0, 11.0], 0.1, np.random.default_rng(0)) == pytest.approx(0.0, abs=0.004)
    assert optimism([1.0, 1.0], 0.0, np.random.default_rng(0)) == 0.0
    assert min(optimism([0.0, 10.0], 1.0, np.random.default_rng(seed)) for seed in range(20)) >= 0.0


def test_flattery_is_what_fresh_seeds_take_back() -> None:
    """Twenty settings of equal worth: what the estimate foretells against what selection did in 2,000 simulated studies."""
    rng = np.random.default_rng(5)
    seen = rng.normal(0.3, 0.02, size=(2000, 20))
    happened = 0.3 - seen.min(axis=1).mean()
    foretold = np.mean([optimism(row, 0.02, rng) for row in seen[:40]])
    assert 0.3 * happened < foretold <= happened  # values at hand are spread wider than the truth: the low side, as documented


def test_the_noise_of_replicates_is_pooled() -> None:
    values = {0: [1.0, 3.0], 1: [5.0, 5.0, 8.0], 2: [9.0]}
    trials = [
        Trial(10 * s + r, {"x": s}, "all", Status.FINISHED, Outcome(v), replicate=r)
        for s, vs in values.items()
        for r, v in enumerate(vs)
    ]
    by_hand = np.sqrt((np.var([1, 3], ddof=1) + 2 * np.var([5, 5, 8], ddof=1)) / 3)
    found = seed_noise(candidates(trials))
    assert found is not None
    assert (found.deviation, found.freedom, found.rows) == (pytest.approx(by_hand, rel=1e-12), 3, 0)
    assert seed_noise(candidates(trials[-1:])) is None


def test_a_counted_share_varies_as_the_binomial_says() -> None:
    assert counting_noise([0.2], 501)[0] == pytest.approx(stats.binom(501, 0.2).std() / 501 * np.sqrt(501 / 500), rel=1e-12)


def test_the_next_doubling_continues_the_last_two() -> None:
    # Of 0..15 the lowest of n has mean (16 + 1) / (n + 1) - 1: 2.4, .8889 and 0 for n = 4, 8 and 16.
    found = doubling(range(16))
    assert found is not None
    assert found.last == pytest.approx(17 / 9 - 1)
    assert found.gain == pytest.approx(found.last * found.last / (2.4 - (17 / 9 - 1)))
    assert doubling(range(7)) is None
    flat = doubling([1.0] * 8)
    assert flat is not None
    assert flat.gain == 0.0


@pytest.mark.parametrize("noise", [-1.0, float("nan")])
def test_a_noise_that_is_none_is_refused(noise: float) -> None:
    with pytest.raises(SettingError, match="noise must be finite standard deviations"):
        optimism([1.0, 2.0], noise, np.random.default_rng(0))


@pytest.mark.parametrize(("first", "second", "rows"), [(0.1, 0.1, (359, 359)), (0.03, 0.08, (359, 999)), (0.5, 0.4, (200, 50))])
def test_the_error_of_a_difference_is_that_of_repeated_counts(first: float, second: float, rows: tuple[int, int]) -> None:
    """Count errors anew many times: the expectation is the spread of what comes."""
    rng = np.random.default_rng(2)
    counts = [rng.binomial(size, rate, 20_000) / size for rate, size in zip((first, second), rows, strict=True)]
    assert error_of_difference(first, rows[0], second, rows[1]) == pytest.approx(np.std(counts[0] - counts[1]), rel=0.05)


def test_no_errors_are_not_taken_for_certain() -> None:
    assert error_of_difference(0.0, 20, 0.0, 20) > 0.05
    with pytest.raises(SettingError, match="A rate must be in"):
        error_of_difference(1.5, 20, 0.0, 20)
