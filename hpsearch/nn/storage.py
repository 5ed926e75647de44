"""Saving and loading a network as one npz file: its architecture as JSON, and its arrays. Nothing is ever unpickled.

NumPy and json alone read it::

    with np.load("digits.npz", allow_pickle=False) as file:
        description = json.loads(file["architecture"].item())  # {"version": 2, "dtype": ..., "cost": ..., "layers": [...]}
        weights, biases = file["weights_0"], file["biases_0"]  # of the first layer, (units, inputs) and (units,)

`hpsearch.nn.export` documents ``description``. The network that a study logs to MLflow is such a file too.
"""

from __future__ import annotations

import json
import math
import os
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from hpsearch.errors import DataError, SettingError, must_be
from hpsearch.nn.arrays import Array
from hpsearch.nn.plain_data import AnyNetwork, as_data, from_data

ARCHITECTURE = "architecture"
_SAVE = "Write one with hpsearch.nn.save(network, path)."


def save(network: AnyNetwork, path: str | os.PathLike[str]) -> None:
    """Write a network to one file, which replaces an older one only when it is complete.

    Args:
        network: of any size, or an ensemble of several, with the encoding of its inputs where it has one; weights and biases
            are kept to the bit.
        path: of the file, by custom ending in ``.npz``; its folder exists.
    Raises:
        DataError: if the file cannot be written.
    """
    write(Path(path), *as_data(network))


def load(path: str | os.PathLike[str]) -> AnyNetwork:
    """Return the network of a file that `save` wrote, in this version of the format or an earlier one.

    It is a `Network`, an `Ensemble`, or where its inputs are encoded a `TableNetwork`.

    Raises:
        DataError: for a file that is missing, damaged, compressed, pickled, of an unknown version, or of another kind.
    """
    description, arrays = read(Path(path))
    try:
        return from_data(description, arrays)
    except SettingError as error:
        raise DataError(f"{str(path)!r} holds no network that can be used: {error}") from error


def write(path: Path, description: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write a network as plain data; see `save`."""
    words: Any = {ARCHITECTURE: np.array(json.dumps(description)), **arrays}
    try:
        with _complete(path) as file:
            np.savez(file, allow_pickle=False, **words)
    except (OSError, ValueError) as error:
        advice = "Choose a folder that exists and may be written to." if isinstance(error, OSError) else "Convert it."
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(must_be(f"Network file {str(path)!r}", "writable, from plain arrays", reason, advice)) from error


def read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the description of a network in a file, and its arrays.

    Raises:
        DataError: if the file is not one of plain arrays and JSON.
    """
    try:
        with path.open("rb") as file:
            _check_kind(path, file)
            arrays = _arrays(path, file)
    except OSError as error:
        raise _not_a_network(path, error.strerror or str(error), "Check the path.") from error
    try:
        description = json.loads(arrays.pop(ARCHITECTURE).item())
    except KeyError:
        raise _not_a_network(path, f"one without {ARCHITECTURE!r}", _SAVE) from None
    except Exception as error:  # json, and arrays of another kind, raise various errors
        raise _not_a_network(path, f"{ARCHITECTURE} that is not JSON", _SAVE) from error
    if not isinstance(description, dict):
        raise _not_a_network(path, f"{ARCHITECTURE} that is {type(description).__name__}", _SAVE)
    return description, arrays


def _check_kind(path: Path, file: IO[bytes]) -> None:
    """Raise for a file that is no archive, and name its kind."""
    start = file.read(2)
    if start[:1] == b"\x80":
        raise _not_a_network(path, "a pickle", f"Reading one runs the code in it, so none is read. {_SAVE}")
    if start != b"PK":
        raise _not_a_network(path, "another kind of file" if start else "an empty file", _SAVE)
    file.seek(0)


def _arrays(path: Path, file: IO[bytes]) -> dict[str, Array]:
    """Return the arrays of an archive, which take no more memory than the size of the file."""
    try:
        promised, size = _promised(file), os.fstat(file.fileno()).st_size
        file.seek(0)
        if promised <= size:
            with np.load(file, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
    except Exception as error:  # zipfile and NumPy raise a dozen kinds for damaged or hostile files
        advice = "Copy it again from where it came from, or save the network again."
        raise _not_a_network(path, f"a damaged or foreign one ({error})", advice) from error
    raise _not_a_network(path, f"one of {size} bytes that unpacks to {promised}", "Do not trust it.")


def _promised(file: IO[bytes]) -> int:
    """Return the bytes that the arrays of an archive claim, by its table of contents or by their own headers."""
    with zipfile.ZipFile(file) as archive:
        return sum(max(entry.file_size, _header(archive, entry)) for entry in archive.infolist())


def _header(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> int:
    with archive.open(entry) as member:
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(member)
    return math.prod(shape) * dtype.itemsize


def _not_a_network(path: Path, found: str, advice: str) -> DataError:
    return DataError(must_be(f"Network file {str(path)!r}", "one of plain arrays and JSON", found, advice))


@contextmanager
def _complete(path: Path) -> Iterator[IO[bytes]]:
    """Open a file beside ``path`` that replaces it at the end; after an error or a kill the old file is still there."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
