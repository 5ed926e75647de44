"""The state of a random generator as an array of whole numbers, so that it can be saved without pickling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import SettingError, must_be

_WORD = 2**64


def to_array(rng: np.random.Generator) -> NDArray[np.uint64]:
    """Return the state of a PCG64 generator, which is what `numpy.random.default_rng` makes, as uint64, (6,).

    Raises:
        SettingError: for a generator of another kind.
    """
    _check(rng)
    state = rng.bit_generator.state
    numbers = (state["state"]["state"], state["state"]["inc"])
    halves = [half for value in numbers for half in divmod(value, _WORD)]
    return np.array([*halves, state["has_uint32"], state["uinteger"]], np.uint64)


def from_array(words: NDArray[np.uint64]) -> np.random.Generator:
    """Return a generator in the state that `to_array` gave.

    >>> first = np.random.default_rng(3)
    >>> second = from_array(to_array(first))
    >>> bool(first.random() == second.random())
    True
    """
    high, low, high_inc, low_inc, has, integer = (int(word) for word in words)
    rng = np.random.default_rng(0)
    numbers = {"state": high * _WORD + low, "inc": high_inc * _WORD + low_inc}
    rng.bit_generator.state = {"bit_generator": "PCG64", "state": numbers, "has_uint32": has, "uinteger": integer}
    return rng


def _check(rng: np.random.Generator) -> None:
    kind = type(rng.bit_generator).__name__
    if kind != "PCG64":
        raise SettingError(must_be("The generator", "a PCG64 one", kind, "Make it with numpy.random.default_rng(seed)."))
