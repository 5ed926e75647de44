"""Learning curves: intervals and crossings against hand-worked figures and scipy, families against curves of known values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from hpsearch.analysis.crossings import crossing_places, find_crossings, gaps
from hpsearch.analysis.extrapolation import FAMILIES, Family, extrapolate, fit, predict_largest
from hpsearch.analysis.intervals import prediction_interval
from hpsearch.analysis.learning_curve import LearningCurve
from hpsearch.errors import SettingError

SIZES = [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000]


def curve(name: str, errors: list[float], sizes: list[int] = SIZES, rows: int = 10_000) -> LearningCurve:
    return LearningCurve(name, {n: [error] for n, error in zip(sizes, errors, strict=True)}, rows)


def test_one_more_repetition_lies_in_its_interval_as_often_as_promised() -> None:
    drawn = np.random.default_rng(0).normal(size=(2000, 6))
    share = np.mean([one[5] in prediction_interval(one[:5]) for one in drawn])
    assert share == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 2000))


def test_the_interval_of_one_more_is_students() -> None:
    values = [3.0, 4.0, 8.0]
    low, high = stats.t.interval(0.95, 2, 5.0, np.std(values, ddof=1) * math.sqrt(1 + 1 / 3))
    interval = prediction_interval(values)
    assert (interval.low, interval.high) == (pytest.approx(low), pytest.approx(high))


def test_a_gap_adds_seeds_and_rows() -> None:
    first = LearningCurve("a", {100: [0.10, 0.12, 0.14]}, rows=1000)
    [gap] = gaps(first, curve("b", [0.2], [100], rows=1000))
    seeds = stats.t.ppf(0.975, 2) * 0.02 / math.sqrt(3)
    rows = stats.norm.ppf(0.975) * math.sqrt(0.12 * 0.88 / 1000 + 0.2 * 0.8 / 1000)
    assert gap.interval.centre == pytest.approx(-0.08)
    assert gap.interval.width / 2 == pytest.approx(math.hypot(seeds, rows))
    assert gap.verdict == "first"


@pytest.mark.parametrize(("error", "verdict"), [(0.11, "tie"), (0.14, "first"), (0.06, "second")])
def test_a_gap_inside_the_noise_is_a_tie(error: float, verdict: str) -> None:
    # Of 1,000 rows, 10 % and 11 % errors differ by .01 -+ .027.
    [gap] = gaps(curve("a", [0.10], [100], 1000), curve("b", [error], [100], 1000))
    assert gap.verdict == verdict


def test_crossings_are_found_where_the_lines_meet_over_the_logarithm() -> None:
    # 20 % and 10 % against 15 % at either end of a factor 100: half way, a factor 10.
    first, second = curve("a", [0.2, 0.1, 0.2], [10, 1000, 100_000], 10**8), curve("b", [0.15] * 3, [10, 1000, 100_000], 10**8)
    found = find_crossings(first, second, np.random.default_rng(0))
    assert [round(each.size.centre, 6) for each in found] == [100, 10_000]
    assert [each.ahead_after for each in found] == ["first", "second"]
    assert np.array(crossing_places(first, second)) == pytest.approx(np.array([[100, 0.15], [10_000, 0.15]]))


def test_the_interval_of_a_crossing_follows_the_noise() -> None:
    widths = []
    for rows in (10**4, 10**6):
        first, second = curve("a", [0.2, 0.1], [10, 1000], rows), curve("b", [0.15] * 2, [10, 1000], rows)
        [found] = find_crossings(first, second, np.random.default_rng(0))
        # Rows shift the difference d(log n) = .05 - .1 log(n/10)/log(100) as a whole: log n moves by shift / slope.
        shift = 1.96 * math.hypot(*(math.sqrt(p * (1 - p) / rows) for p in (0.15, 0.15)))
        assert math.log(found.size.high / found.size.centre) == pytest.approx(shift / 0.1 * math.log(100), rel=0.15)
        assert math.log(found.size.centre / found.size.low) == pytest.approx(shift / 0.1 * math.log(100), rel=0.15)
        widths.append(found.size.width)
    assert widths[1] < widths[0] / 5


def test_curves_that_touch_or_stay_apart_do_not_cross() -> None:
    apart = curve("a", [0.3, 0.2, 0.1], [1, 2, 3]), curve("b", [0.2, 0.1, 0.05], [1, 2, 3])
    touching = curve("a", [0.3, 0.1, 0.2], [1, 2, 3]), curve("b", [0.2, 0.1, 0.1], [1, 2, 3])
    assert find_crossings(*apart, np.random.default_rng(0)) == find_crossings(*touching, np.random.default_rng(0)) == []


@pytest.mark.parametrize(
    ("family", "values"),
    [(FAMILIES[0], (0.03, 0.4, 0.7)), (FAMILIES[1], (0.01, 0.4, 0.9)), (FAMILIES[2], (0.05, 0.5, 0.4, 0.35))],
    ids=lambda each: each.name if isinstance(each, Family) else "",
)
def test_a_family_finds_a_curve_of_its_own(family: Family, values: tuple[float, ...]) -> None:
    errors = family.law(np.array(SIZES) / SIZES[0], *values)
    found = fit(family, SIZES, errors)
    assert found(SIZES) == pytest.approx(errors, rel=1e-4)
    assert found(math.inf)[0] == pytest.approx(values[0], rel=0.05)
    [carried] = extrapolate(curve("a", errors.tolist()), np.random.default_rng(0), [family], count=3)
    assert carried.misfit < 1e-4
    assert carried.asymptote.centre == pytest.approx(values[0], rel=0.05)


def test_the_formulas_are_those_that_are_written_down() -> None:
    r, (a, b, c, d) = np.array([1.0, 8.0]), (0.1, 0.4, 0.5, 0.3)
    assert FAMILIES[0].law(r, a, b, c) == pytest.approx([0.5, 0.1 + 0.4 / math.sqrt(8)])
    assert FAMILIES[1].law(r, a, b, c) == pytest.approx([0.5, 0.1 + 0.4 / (1 + 0.5 * math.log(8))])
    assert FAMILIES[2].law(r, a, b, c, d) == pytest.approx([0.5, 0.1 + 0.4 * math.exp(-0.5 * (8**0.3 - 1))])


def test_refits_spread_with_the_noise() -> None:
    rng, widths = np.random.default_rng(1), []
    for noise in (0.01, 0.1):
        errors = FAMILIES[0].law(np.array(SIZES) / 100, 0.03, 0.4, 0.7) * np.exp(noise * rng.standard_normal(len(SIZES)))
        [carried] = extrapolate(curve("a", errors.tolist()), rng, FAMILIES[:1], count=40)
        assert carried.asymptote.centre in carried.asymptote
        widths.append(carried.asymptote.width)
    assert widths[1] > 3 * widths[0]


def test_the_largest_size_is_foretold_without_being_seen() -> None:
    errors = FAMILIES[0].law(np.array(SIZES) / 100, 0.03, 0.4, 0.7)
    seen, hidden = curve("a", errors.tolist()), curve("a", [*errors[:-1], 0.9])
    assert predict_largest(seen) == predict_largest(hidden)
    assert predict_largest(seen)["power law"] == pytest.approx(errors[-1], rel=1e-4)


def test_a_family_with_as_many_values_as_sizes_is_left_out() -> None:
    errors = FAMILIES[0].law(np.array(SIZES[:4]) / 100, 0.03, 0.4, 0.7).tolist()
    names = [each.fit.family.name for each in extrapolate(curve("a", errors, SIZES[:4]), np.random.default_rng(0), count=2)]
    assert names == ["power law", "logarithm"]


def test_too_little_is_refused_in_one_sentence() -> None:
    short = curve("a", [0.3, 0.2, 0.1], [1, 2, 3])
    with pytest.raises(SettingError, match=r"A learning curve must be at least 4 sizes, got 3\. Train at further sizes\."):
        extrapolate(short, np.random.default_rng(0))
    with pytest.raises(SettingError, match=r"Two learning curves must be at least one size in common, got \('a', 'b'\)\."):
        gaps(short, curve("b", [0.1], [7]))
    with pytest.raises(SettingError, match=r"Errors of 'a' at 1 rows must be at least one, each in \[0, 1\], got \[1\.5\]\."):
        curve("a", [1.5], [1])


@pytest.mark.parametrize("errors", [[-0.5], [0.5, 1.01], []])
def test_errors_are_shares(errors: list[float]) -> None:
    assert curve("a", [0.0, 1.0], [1, 2]).sizes == [1, 2]
    with pytest.raises(SettingError, match=r"Errors of 'a' at 7 rows must be at least one, each in \[0, 1\]"):
        LearningCurve("a", {7: errors}, 100)
