"""Nested samples of training rows: one seeded order of a part, of which every beginning has each class in its share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpsearch.data.part import Part

# The first number of the spawn key, beside those in `hpsearch.search.config`: what the random numbers are for.
_KEY = 5
# The smallest sample: fewer rows say nothing, whatever is fitted to them.
_FEWEST = 10


def fewest_rows(classes: int) -> int:
    """Return the number of rows of the smallest sample: two a class, and at least ten.

    >>> fewest_rows(0), fewest_rows(2), fewest_rows(10)
    (10, 10, 20)
    """
    return max(2 * classes, _FEWEST)


def in_sample_order(part: Part, seed: int) -> Part:
    """Return a copy of a part whose first n rows are the sample of n rows, for every n: samples are nested.

    With k classes, each class has within one row of its share of n rows, and at least one row from n = k on.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_KEY,)))
    order = rng.permutation(len(part)) if part.numeric else _stratified_order(part.y, rng)
    return part.take(order)


def _stratified_order(y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the ids of rows: one row of each class first, then every class evenly spread over all positions."""
    shuffled = rng.permutation(len(y))
    places = np.empty(len(y))
    for one in np.unique(y):
        of_class = shuffled[y[shuffled] == one]
        places[of_class] = (np.arange(len(of_class)) + 0.5) / len(of_class)
        places[of_class[0]] = -1.0
    return shuffled[np.argsort(places[shuffled], kind="stable")]
