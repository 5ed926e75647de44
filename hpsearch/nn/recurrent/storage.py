"""Saved recurrent networks: plain data, which NumPy and json read.

The file is one of `hpsearch.nn.storage`: ``architecture`` is JSON text, every other entry an array by its name::

    with np.load("text.npz", allow_pickle=False) as file:
        description = json.loads(file["architecture"].item())  # {"kind": "recurrent", "task": "text", "alphabet": ..., ...}
        recurrent = file["recurrent"]  # U of h_t = tanh(W e(x_t) + U h_(t-1) + b), (H, H)
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.checks import choice, integer
from hpsearch.errors import DataError, SettingError, must_be
from hpsearch.nn import storage
from hpsearch.nn.arrays import DTYPES, Array, known
from hpsearch.nn.recurrent.alphabet import Alphabet
from hpsearch.nn.recurrent.cell import EMBEDDING, FIRST
from hpsearch.nn.recurrent.network import LAST, TASKS, RecurrentNetwork, with_arrays

# Of the format of a recurrent network.
VERSION = 1
KIND = "recurrent"
_DAMAGED = "Save the network again."


def save(network: RecurrentNetwork, path: str | os.PathLike[str]) -> None:
    """Write a network to one file, which replaces an older one only when it is complete.

    Raises:
        DataError: if the file cannot be written.
    """
    storage.write(Path(path), *as_data(network))


def load(path: str | os.PathLike[str]) -> RecurrentNetwork:
    """Return the network of a file that `save` wrote.

    Raises:
        DataError: for a file that is missing, damaged, pickled, of an unknown version, or of another kind.
    """
    description, arrays = storage.read(Path(path))
    try:
        return from_data(description, arrays)
    except SettingError as error:
        raise DataError(f"{str(path)!r} holds no recurrent network that can be used: {error}") from error


def as_data(network: RecurrentNetwork) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the description of a network, plain JSON data, and copies of its arrays by name."""
    description = {
        "version": VERSION,
        "kind": KIND,
        "task": network.task,
        "dtype": network.dtype.name,
        "alphabet": network.alphabet.characters,
        "labels": list(network.labels),
        "hidden": network.cell.units,
    }
    return description, {name: array.copy() for name, array in network.arrays.items()}


def from_data(description: Mapping[str, Any], arrays: Mapping[str, Array]) -> RecurrentNetwork:
    """Return the network that `as_data` described, to the bit.

    Raises:
        SettingError: for another kind or version, an unknown word, or an array that is missing or has another shape or dtype.
    """
    if description.get("kind") != KIND:
        found = description.get("kind", "a fully connected one")
        raise SettingError(must_be("A saved network", "a recurrent one", found, "hpsearch.nn.load reads others."))
    integer("Format version of a saved network", description.get("version"), 1, "Take a newer hpsearch.", most=VERSION)
    task = choice("task of a saved network", description.get("task"), TASKS, _DAMAGED)
    known("dtype of a saved network", description.get("dtype"), DTYPES)
    alphabet, labels = description.get("alphabet"), description.get("labels")
    if not isinstance(alphabet, str) or not isinstance(labels, list) or (task == LAST) != bool(labels):
        raise SettingError(
            must_be("Alphabet and labels of a saved network", "a text, and a list", (alphabet, labels), _DAMAGED)
        )
    embedding = arrays[EMBEDDING].shape[-1] if EMBEDDING in arrays else None
    blank = RecurrentNetwork.create(
        Alphabet(alphabet),
        integer("hidden of a saved network", description.get("hidden"), 1, _DAMAGED),
        np.random.default_rng(0),
        task=task,
        labels=tuple(map(str, labels)),
        embedding=embedding,
        first_state=FIRST in arrays,
        dtype=str(description["dtype"]),
    )
    _check_arrays(blank, arrays)
    return with_arrays(blank, {name: np.ascontiguousarray(arrays[name]) for name in blank.arrays})


def _check_arrays(blank: RecurrentNetwork, arrays: Mapping[str, Array]) -> None:
    odd = sorted(set(blank.arrays) ^ set(arrays))
    if odd:
        raise SettingError(
            must_be("Arrays of a saved network", "those of its task", f"differing in {', '.join(odd)}", _DAMAGED)
        )
    for name, array in blank.arrays.items():
        if (array.shape, array.dtype.name) != (arrays[name].shape, arrays[name].dtype.name):
            found = f"{arrays[name].dtype.name} of shape {arrays[name].shape}"
            raise SettingError(
                must_be(f"{name} of a saved network", f"{array.dtype.name} of shape {array.shape}", found, _DAMAGED)
            )
