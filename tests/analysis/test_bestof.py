"""The expected best against opda, against every subset, against exact fractions, and against a real random search."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opda.nonparametric import EmpiricalDistribution

from hpsearch import Choice, Outcome, Space, Status, Study, Trial
from hpsearch.analysis.bestof import expected_best, expected_best_with_replacement
from hpsearch.analysis.sample import Array, scores
from hpsearch.errors import SettingError
from hpsearch.ports import Proposal
from hpsearch.strategies import Random
from hpsearch.testing import drive
from hpsearch.tracking import MemoryTracker

BOTH = [expected_best, expected_best_with_replacement]
TABLE = tuple(np.random.default_rng(5).gamma(2.0, size=500))

samples = st.lists(st.floats(-100, 100), min_size=1, max_size=30)


@pytest.mark.parametrize("size", [1, 2, 7, 60])
def test_both_estimators_agree_with_opda(size: int) -> None:
    """opda 0.8.0, whose binomial coefficients stay exact at these sizes."""
    values, ns = np.random.default_rng(size).standard_normal(size), np.arange(1, size + 1)
    reference = EmpiricalDistribution(values)
    assert np.abs(expected_best(values, ns) - reference.u_tuning_curve(ns, minimize=True)).max() < 1e-12
    ns = np.arange(1, 3 * size)
    assert np.abs(expected_best_with_replacement(values, ns) - reference.v_tuning_curve(ns, minimize=True)).max() < 1e-12


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_both_estimators_are_means_over_all_ways_to_draw(n: int) -> None:
    values = [0.3, -1.2, 2.5, 0.3, 0.9]
    without = [min(drawn) for drawn in combinations(values, n)]
    replaced = [min(drawn) for drawn in product(values, repeat=n)]
    assert expected_best(values, n) == pytest.approx(math.fsum(without) / len(without), abs=1e-12)
    assert expected_best_with_replacement(values, n) == pytest.approx(math.fsum(replaced) / len(replaced), abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 50, 1500, 2999, 3000])
def test_large_numbers_lose_no_digits(n: int) -> None:
    """Against integer arithmetic: with values 0 ... N - 1 the expected minimum is the sum of P(min >= i) over i >= 1."""
    size = 3000
    ways = [math.comb(size - i, n) for i in range(size)]
    without = Fraction(sum(ways[1:]), ways[0])
    replaced = Fraction(sum((size - i) ** n for i in range(1, size)), size**n)
    assert expected_best(np.arange(size), n) == pytest.approx(float(without), rel=1e-12)
    assert expected_best_with_replacement(np.arange(size), n) == pytest.approx(float(replaced), rel=1e-12)


def test_a_million_draws_keep_their_digits() -> None:
    """The chance to miss one of a million values in so many draws, (1 - 1e-6)^1e6, in decimals of 40 digits."""
    values = np.r_[0.0, np.ones(999_999)]
    assert expected_best_with_replacement(values, 1_000_000) == pytest.approx(0.36787925723164509, abs=1e-13)
    assert expected_best(values, 250_000) == pytest.approx(0.75, abs=1e-10)


def test_the_answer_has_the_shape_of_the_numbers() -> None:
    for estimator in BOTH:
        assert estimator([1.0, 2.0, 3.0], 2).shape == ()
        assert estimator([1.0, 2.0, 3.0], [[1, 2], [3, 1]]).shape == (2, 2)


@given(samples, st.randoms(), st.floats(-50, 50), st.floats(0.01, 10))
def test_order_does_not_matter_and_scales_go_through(values: list[float], random, shift: float, scale: float) -> None:  # type: ignore[no-untyped-def]
    ns = range(1, len(values) + 1)
    mixed = random.sample(values, len(values))
    for estimator in BOTH:
        curve = estimator(values, list(ns))
        assert (estimator(mixed, list(ns)) == curve).all()
        assert estimator([scale * v + shift for v in values], list(ns)) == pytest.approx(scale * curve + shift, abs=1e-9)


@given(samples)
def test_curves_fall_from_the_mean_to_the_minimum(values: list[float]) -> None:
    ns = np.arange(1, len(values) + 1)
    for estimator in BOTH:
        curve = estimator(values, ns)
        assert curve[0] == pytest.approx(np.mean(values), abs=1e-9)
        assert (np.diff(curve) <= 1e-9).all()
        assert curve[-1] >= min(values) - 1e-9
    assert expected_best(values, len(values)) == pytest.approx(min(values), abs=1e-9)


@given(samples)
def test_drawing_with_replacement_never_looks_better(values: list[float]) -> None:
    ns = np.arange(1, len(values) + 1)
    assert (expected_best_with_replacement(values, ns) >= expected_best(values, ns) - 1e-9).all()


def searched(seed: int, trials: int) -> Array:
    """Best values so far of one random search over the table."""
    space = Space(row=Choice(*range(len(TABLE))))

    def end(number: int, proposal: Proposal, stage: str) -> Trial:
        return Trial(number, proposal.params, stage, Status.FINISHED, Outcome(TABLE[proposal.params["row"]]))

    return np.minimum.accumulate(scores(drive(Random(trials=trials), space, seed, end=end)[1]))


def test_random_search_finds_on_a_known_table_what_it_should() -> None:
    """200 searches of 64 trials by `Random` over 500 known values: within 4 standard errors of the exact expectation.

    The exact one is that of drawing with replacement, since random search may propose a row again.
    """
    ns = 2 ** np.arange(7)
    found = np.array([searched(seed, 64) for seed in range(200)])[:, ns - 1]
    errors = found.std(axis=0, ddof=1) / math.sqrt(len(found))
    exact = expected_best_with_replacement(TABLE, ns)
    assert (np.abs(found.mean(axis=0) - exact) < 4 * errors).all()
    assert (errors < 0.1 * exact).all()  # the margin is one: 64 trials are told from 32
    assert exact[-1] + 4 * errors[-1] < exact[-2]


def look_up(params: dict[str, int]) -> float:
    return float(TABLE[params["row"]])


def test_one_long_study_predicts_what_short_searches_find() -> None:
    """The unbiased estimate from 200 trials of a real study, within 4 standard errors (over 12 seeds) of the exact value."""
    space, ns = Space(row=Choice(*range(len(TABLE)))), [1, 4, 16]
    curves = []
    for seed in range(12):
        study = Study("table", space, look_up, Random(trials=200), seed=seed)
        curves.append(expected_best(scores(study.run(1, backend="sequential", tracker=MemoryTracker()).trials), ns))
    errors = np.std(curves, axis=0, ddof=1) / math.sqrt(len(curves))
    assert (np.abs(np.mean(curves, axis=0) - expected_best_with_replacement(TABLE, ns)) < 4 * errors).all()


def test_what_cannot_be_estimated_is_refused() -> None:
    with pytest.raises(SettingError, match=r"n must be at most the 2 values at hand, got 3. Run more trials"):
        expected_best([1.0, 2.0], 3)
    with pytest.raises(SettingError, match=r"n must be whole numbers >= 1, got 0\."):
        expected_best([1.0, 2.0], 0)
    with pytest.raises(SettingError, match=r"values must be finite numbers in one dimension, got .*nan"):
        expected_best_with_replacement([1.0, math.nan], 1)
    with pytest.raises(SettingError, match="values must be at least 1 repetitions, got 0"):
        expected_best([], 1)


def test_a_failed_trial_counts_as_the_worst() -> None:
    ended = [Trial(0, {}, "all", Status.FINISHED, Outcome(1.0)), Trial(1, {}, "all", Status.FAILED)]
    ended += [Trial(2, {}, "all", Status.FINISHED, Outcome(3.0)), Trial(3, {}, "pre-flight", Status.FINISHED, Outcome(0.0))]
    assert scores(ended).tolist() == [1.0, 3.0, 3.0]
    assert scores(ended[1:2]).tolist() == []
