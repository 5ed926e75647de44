"""The data sets that have a name on the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hpsearch.data.dataset import Dataset
from hpsearch.data.digits import digits
from hpsearch.data.mnist import HOME_VARIABLE, cache_folder, find_mnist, mnist
from hpsearch.errors import DataError, did_you_mean, must_be

_NAMED: dict[str, Callable[[], Dataset]] = {"digits": digits, "mnist": mnist}


@dataclass(frozen=True)
class Available:
    """What is known of a data set without loading it; ``where`` says where it was found, or how to get it."""

    name: str
    rows: int
    features: int
    classes: int
    where: str
    found: bool = True


def named(name: str) -> Dataset:
    """Load a data set by name: ``digits`` or ``mnist``, with their default splits.

    Raises:
        DataError: if there is no such name, or the data set is not to be had.

    >>> named("digits")
    digits(train=1079, validation=359)
    """
    if name not in _NAMED:
        advice = "Your own go in as data.arrays(X, y) or data.idx(folder)." + did_you_mean(name, _NAMED)
        raise DataError(must_be("Data set", " or ".join(repr(known) for known in _NAMED), name, advice))
    return _NAMED[name]()


def available() -> list[Available]:
    """List the named data sets, in alphabetical order; looks for files, reads none of them."""
    folder = find_mnist()
    how = f"downloaded into {cache_folder()} on first use; or set {HOME_VARIABLE} to a folder with its four IDX files"
    return [
        Available("digits", 1_797, 64, 10, "within scikit-learn"),
        Available("mnist", 70_000, 784, 10, str(folder) if folder else how, found=folder is not None),
    ]
