"""Tuning curves: the centre in closed form, and the band's promise kept in simulation."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.analysis.bands import mean_curve, median_curve
from hpsearch.analysis.bestof import expected_best_with_replacement
from hpsearch.errors import SettingError

TRIALS = [1, 2, 4, 8, 16, 32, 64]
# An odd number: with an even one the median of one trial may be either of two values.
VALUES = np.random.default_rng(1).random(21)


def test_the_middle_of_the_mean_curve_is_the_expected_best() -> None:
    curve = mean_curve(VALUES, TRIALS, least=0, most=1)
    assert np.abs(curve.centre - expected_best_with_replacement(VALUES, TRIALS)).max() < 1e-12


def test_the_middle_of_the_median_curve_is_a_quantile() -> None:
    """After n trials half of all searches are below F^-1(1 - 2^(-1/n)), the least value with so much at or below it."""
    ordered = np.sort(VALUES)
    ranks = [math.ceil(len(VALUES) * (1 - 0.5 ** (1 / n))) for n in TRIALS]
    assert median_curve(VALUES, TRIALS).centre.tolist() == [ordered[rank - 1] for rank in ranks]


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_bands_hold_the_whole_curve_as_often_as_they_say(level: float) -> None:
    """500 searches of 20 uniform values, whose best of n has the median 1 - 2^(-1/n) and the mean 1 / (n + 1).

    The band around the distribution is exact; seven numbers of trials are part of it, so that coverage may only be higher:
    at least the level less 4 standard errors. That it is no band for everything show the last lines: the median is missed
    at times, and the mean, which the bounds have a say in, has a band well inside them.
    """
    ns, rng = np.array(TRIALS), np.random.default_rng(2)
    held = []
    for _ in range(500):
        values = rng.random(20)
        median, mean = median_curve(values, ns, level, 0.0), mean_curve(values, ns, 0.0, 1.0, level)
        true = (1 - 0.5 ** (1 / ns), 1 / (ns + 1))
        held.append([((c.low <= t) & (t <= c.high)).all() for c, t in zip((median, mean), true, strict=True)])
    coverage = np.mean(held, axis=0)
    assert (coverage >= level - 4 * math.sqrt(level * (1 - level) / 500)).all()
    assert coverage[0] < 1
    assert (mean.high - mean.low < 0.7).all()


def test_the_band_of_many_trials_is_kolmogorovs() -> None:
    """Of 400 uniform values: F +- 1.358 / sqrt(400) = .068 (exactly .0675, by scipy) around the median of one."""
    values = (np.arange(400) + 0.5) / 400
    curve = median_curve(values, [1], least=0)
    assert (curve.low[0], curve.high[0]) == pytest.approx((0.5 - 0.0675, 0.5 + 0.0675), abs=0.005)


def test_the_band_is_wider_beyond_the_trials_at_hand() -> None:
    """From 21 trials nothing bounds the best of 64 from below but the bound handed in."""
    assert median_curve(VALUES, [64]).low[0] == -math.inf
    assert median_curve(VALUES, [64], least=0).low[0] == 0
    assert median_curve(VALUES, [1], least=0).low[0] > 0


def test_equal_trials_have_equal_bands_and_order_does_not_matter() -> None:
    first, again = median_curve(VALUES, TRIALS), median_curve(VALUES[::-1], TRIALS)
    assert first.low.tolist() == again.low.tolist()
    assert first.high.tolist() == again.high.tolist()


def test_error_rates_may_repeat() -> None:
    """opda warns of equal values, and warnings are errors here."""
    assert median_curve([0.1, 0.1, 0.2, 0.2, 0.3], [1], least=0).centre == [0.2]


@settings(max_examples=30, deadline=None)  # the first call simulates
@given(st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_curves_fall_and_lie_in_their_band(values: list[float]) -> None:
    for curve in (median_curve(values, TRIALS, least=0), mean_curve(values, TRIALS, 0, 1)):
        assert (np.diff([curve.low, curve.centre, curve.high], axis=1) <= 1e-12).all()
        assert (curve.low <= curve.centre + 1e-12).all()
        assert (curve.centre <= curve.high + 1e-12).all()


def test_what_makes_no_curve_is_refused() -> None:
    with pytest.raises(SettingError, match="values must be at least 3 repetitions, got 2"):
        median_curve([0.1, 0.2], [1])
    with pytest.raises(SettingError, match="values must be between 0 and 1, got "):
        mean_curve([0.1, 0.2, 1.5], [1], 0, 1)
    with pytest.raises(SettingError, match="trials must be numbers > 0"):
        median_curve(VALUES, [0, 1])
    with pytest.raises(SettingError, match=r"level must be between 0 and 1, got 95. Try 0.95"):
        median_curve(VALUES, [1], level=95)


def test_without_opda_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """`None` in `sys.modules` is how Python itself marks a package that cannot be imported."""
    monkeypatch.setitem(sys.modules, "opda", None)
    with pytest.raises(SettingError, match=r"needs the package 'opda'.*pip install 'hpsearch\[bands\]'"):
        median_curve(VALUES, [1])
