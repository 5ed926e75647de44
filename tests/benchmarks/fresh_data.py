"""Twelve data sets that no rule and no table of the diagnosis was made with, fixed before a curve was made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hpsearch import data
from hpsearch.data import Dataset
from tests.benchmarks.curve_data import VALIDATION, relabelled

ROWS, SEED = 1500, 97


def _made_up(name: str, x: Any, y: Any) -> Dataset:
    return data.arrays((x - x.mean(0)) / x.std(0), y, validation=VALIDATION, test=0, name=name)


def _spirals() -> Dataset:
    """Three arms in the plane."""
    rng = np.random.default_rng(SEED)
    y, along = rng.integers(3, size=ROWS), rng.uniform(0.4, 1.6, ROWS)
    angle = 3 * along + 2 * np.pi * y / 3
    x = np.column_stack([along * np.cos(angle), along * np.sin(angle)]) + rng.normal(0, 0.08, (ROWS, 2))
    return _made_up("spirals", x, y)


def _checkerboard() -> Dataset:
    """A board of three by three fields in two colours, and two columns of noise."""
    rng = np.random.default_rng(SEED + 1)
    x = rng.uniform(0, 3, (ROWS, 2))
    y = x.astype(int).sum(1) % 2
    return _made_up("checkerboard", np.hstack([x, rng.normal(size=(ROWS, 2))]), y)


def _bars() -> Dataset:
    """Images of 8 x 8 pixels with an upright, a level or one of two slanting bars, under noise."""
    rng = np.random.default_rng(SEED + 2)
    y = rng.integers(4, size=ROWS)
    x = rng.normal(0, 0.7, (ROWS, 8, 8))
    for image, label, place in zip(x, y, rng.integers(1, 7, ROWS), strict=True):
        if label == 0:
            image[:, place] += 1
        elif label == 1:
            image[place] += 1
        else:
            image += np.eye(8, k=int(place) - 4)[:: 1 if label == 2 else -1]
    return _made_up("bars", x.reshape(ROWS, -1), y)


def _waveforms() -> Dataset:
    """Breiman's waveforms: mixtures of two of three triangles at 21 places, with noise of deviation 1."""
    rng = np.random.default_rng(SEED + 3)
    waves = [np.maximum(6 - np.abs(np.arange(1, 22) - peak), 0) for peak in (11, 15, 7)]
    y, share = rng.integers(3, size=ROWS), rng.uniform(size=(ROWS, 1))
    first, second = (np.array([waves[pair[i]] for pair in ((0, 1), (0, 2), (1, 2))])[y] for i in (0, 1))
    return _made_up("waveforms", share * first + (1 - share) * second + rng.normal(size=(ROWS, 21)), y)


def _counts() -> Dataset:
    """Counts of 24 words in texts on five subjects."""
    rng = np.random.default_rng(SEED + 4)
    rates, y = rng.gamma(0.8, 1.5, (5, 24)), rng.integers(5, size=ROWS)
    return _made_up("counts", rng.poisson(0.35 * rates[y]), y)


def _ellipses() -> Dataset:
    """Six normal distributions, each with a covariance of its own."""
    rng = np.random.default_rng(SEED + 5)
    y, means, axes = rng.integers(6, size=ROWS), rng.normal(0, 1.6, (6, 9)), rng.normal(0, 0.55, (6, 9, 9))
    return _made_up("ellipses", means[y] + np.einsum("nij,nj->ni", axes[y], rng.normal(size=(ROWS, 9))), y)


def _uneven_blobs() -> Dataset:
    """Seven round clusters of other widths."""
    rng = np.random.default_rng(SEED + 6)
    y, centres, widths = rng.integers(7, size=ROWS), rng.normal(0, 3.0, (7, 8)), rng.uniform(1.0, 4.0, 7)
    return _made_up("uneven blobs", centres[y] + widths[y, None] * rng.normal(size=(ROWS, 8)), y)


def _cubic() -> Dataset:
    """Which quarter the value of a random cubic polynomial falls into."""
    rng = np.random.default_rng(SEED + 7)
    x, weights = rng.normal(size=(ROWS, 7)), rng.normal(size=(3, 7))
    value = sum((x @ w) ** power / 7**power for power, w in enumerate(weights, 1)) + rng.normal(0, 0.15, ROWS)
    return _made_up("cubic", x, np.searchsorted(np.quantile(value, [0.25, 0.5, 0.75]), value))


def _classes(name: str, seed: int, **settings: Any) -> Dataset:
    from sklearn.datasets import make_classification

    return _made_up(name, *make_classification(ROWS, random_state=seed, **settings))


def _shells() -> Dataset:
    from sklearn.datasets import make_gaussian_quantiles

    return _made_up("shells", *make_gaussian_quantiles(n_samples=ROWS, n_features=5, n_classes=4, random_state=SEED))


FRESH: dict[str, Callable[[], Dataset]] = {
    "pairs of digits": lambda: relabelled(
        data.mnist(50_000, 1), 26_000, [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]], "pairs of digits", side=4
    ),
    "straight or round": lambda: relabelled(
        data.mnist(50_000, 1), 46_000, [[1, 4, 7], [0, 6, 8, 9], [2, 3, 5]], "straight or round"
    ),
    "spirals": _spirals,
    "checkerboard": _checkerboard,
    "bars": _bars,
    "waveforms": _waveforms,
    "counts": _counts,
    "ellipses": _ellipses,
    "uneven blobs": _uneven_blobs,
    "cubic": _cubic,
    "shells": _shells,
    "eight of fifty": lambda: _classes(
        "eight of fifty", SEED, n_features=50, n_informative=16, n_redundant=8, n_classes=8, class_sep=2.0, flip_y=0.04
    ),
}
