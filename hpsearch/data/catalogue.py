"""Built-in data sets: scikit-learn's digits, and the list of those that can be loaded by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hpsearch.data.arrays import arrays
from hpsearch.data.dataset import Dataset
from hpsearch.data.mnist import HOME_VARIABLE, cache_folder, find_mnist, mnist
from hpsearch.data.splits import Size
from hpsearch.errors import DataError, did_you_mean, must_be


def digits(validation: Size = 0.2, test: Size = 0.2, seed: int = 0) -> Dataset:
    """Return scikit-learn's 1,797 handwritten digits of 8 x 8 pixels, grey value / 16 (float32 in [0, 1]).

    Args:
        validation: share of the rows (float) or number of rows (int).
        test: the same; 0 for none.
        seed: of the stratified split.
    Raises:
        DataError: for sizes that leave a part without some class.
    Source: UCI optical recognition of handwritten digits, test half, through ``sklearn.datasets.load_digits``.

    >>> digits()
    digits(train=1079, validation=359)
    """
    from sklearn.datasets import load_digits  # imported late, like all of scikit-learn

    pixels, labels = load_digits(return_X_y=True)
    # They are scaled as they are.
    return replace(arrays(np.float32(pixels / 16), labels, validation, test, seed, name="digits"), unscaled=False)


_NAMED: dict[str, Callable[[], Dataset]] = {"digits": digits, "mnist": mnist}


@dataclass(frozen=True)
class Available:
    """A data set that can be loaded by name; ``where`` is where it was found, or how to get it."""

    name: str
    rows: int
    features: int
    classes: int
    where: str
    found: bool = True


def named(name: str) -> Dataset:
    """Load a data set by name: ``digits`` or ``mnist``, with their default splits.

    Raises:
        DataError: if there is no such name, or the data set cannot be loaded.

    >>> named("digits")
    digits(train=1079, validation=359)
    """
    if not isinstance(name, str) or name not in _NAMED:
        advice = "Your own go in as data.arrays(X, y) or data.idx(folder)." + did_you_mean(name, _NAMED)
        raise DataError(must_be("Data set", " or ".join(repr(known) for known in _NAMED), name, advice))
    return _NAMED[name]()


def available() -> list[Available]:
    """Return the named data sets in alphabetical order; searches for their files, reads none of them."""
    folder = find_mnist()
    how = f"downloaded into {cache_folder()} on first use; or set {HOME_VARIABLE} to a folder with its four IDX files"
    return [
        Available("digits", 1_797, 64, 10, "within scikit-learn"),
        Available("mnist", 70_000, 784, 10, str(folder) if folder else how, found=folder is not None),
    ]
