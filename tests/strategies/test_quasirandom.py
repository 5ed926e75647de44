"""Quasi-random search: scipy's own sequence, evenly spread, and a longer one begins with the shorter."""

from __future__ import annotations

from statistics import median

import numpy as np
import pytest
from scipy.stats import qmc

from hpsearch import Float, Space
from hpsearch.errors import SettingError
from hpsearch.strategies import QuasiRandom, Random
from hpsearch.testing import drive

SQUARE = Space(x=Float(0.0, 1.0), y=Float(0.0, 1.0))


def points(strategy: QuasiRandom | Random, seed: int = 0) -> np.ndarray:
    _, trials = drive(strategy, SQUARE, seed)
    return np.array([[t.params["x"], t.params["y"]] for t in trials])


@pytest.mark.parametrize("trials", [1, 64, 100])
def test_is_the_scrambled_sobol_sequence_of_scipy(trials: int) -> None:
    """100 is no power of two: scipy itself would warn, and warnings are errors here."""
    expected = qmc.Sobol(2, rng=np.random.default_rng(0)).random_base2(7)[:trials]
    assert np.array_equal(points(QuasiRandom(trials=trials)), expected)


def test_every_slice_of_every_range_holds_one_point() -> None:
    """The defining property of 2^m Sobol points in each single coordinate."""
    slices = np.floor(points(QuasiRandom(trials=64)) * 64).astype(int)
    assert all(sorted(column) == list(range(64)) for column in slices.T.tolist())


def test_is_spread_more_evenly_than_random_draws() -> None:
    """Centred discrepancy by scipy over 20 seeds; measured .00016 against .0055: ten is a third of it."""
    sobol, random = (
        median(qmc.discrepancy(points(make(trials=64), seed)) for seed in range(20)) for make in (QuasiRandom, Random)
    )
    assert sobol < random / 10


@pytest.mark.parametrize(("short", "long"), [(64, 128), (5, 7), (1, 64)])
def test_a_longer_search_begins_with_the_shorter(short: int, long: int) -> None:
    assert np.array_equal(points(QuasiRandom(trials=long))[:short], points(QuasiRandom(trials=short)))


def test_other_seeds_give_other_points() -> None:
    assert not np.array_equal(points(QuasiRandom(), seed=0), points(QuasiRandom(), seed=1))


@pytest.mark.parametrize("trials", [0, -1, 2.5, "many", True])
def test_a_number_of_trials_that_is_none_raises(trials: object) -> None:
    with pytest.raises(SettingError, match="QuasiRandom trials must be a whole number >= 1, got"):
        QuasiRandom(trials=trials)  # type: ignore[arg-type]


@pytest.mark.parametrize("trials", [1, 2, 9])
def test_the_centre_comes_first_where_it_is_asked_for(trials: int) -> None:
    """Known: scipy's own sequence after two numbers for the centre, which is near .5."""
    rng = np.random.default_rng(0)
    rng.random(2)
    first, *others = points(QuasiRandom(trials=trials, centre=True))
    assert first == pytest.approx(0.5, abs=0.025)
    assert np.array_equal(np.array(others).reshape(-1, 2), qmc.Sobol(2, rng=rng).random_base2(3)[: trials - 1])


def test_the_repr_is_that_of_earlier_records_without_the_centre() -> None:
    assert repr(QuasiRandom(trials=9)) == "QuasiRandom(trials=9)"
    assert repr(QuasiRandom(trials=9, centre=True)) == "QuasiRandom(trials=9, centre=True)"
    assert QuasiRandom().version == 1


def test_a_centre_that_is_neither_true_nor_false_raises() -> None:
    with pytest.raises(SettingError, match=r"QuasiRandom centre must be True or False, got 1\. Leave it out for False\."):
        QuasiRandom(centre=1)  # type: ignore[arg-type]
