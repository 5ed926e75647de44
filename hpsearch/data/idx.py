"""IDX, the file format of MNIST and of data sets like it (Fashion-MNIST, Kuzushiji-MNIST, ...).

A file is two zero bytes, a type (0x08: unsigned byte), the number of dimensions, one big-endian 32-bit size for each,
and the values in C order. Source: the format section of the MNIST page by LeCun, Cortes and Burges.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpsearch.checks import integer
from hpsearch.data.dataset import Dataset
from hpsearch.data.part import Part
from hpsearch.data.vault import seal
from hpsearch.errors import DataError, must_be

Bytes = NDArray[np.uint8]

_GZIP = b"\x1f\x8b"
_UNSIGNED_BYTE = 0x08
_FETCH_AGAIN = "Fetch the file again."


def read_idx(path: str | Path, sha256: str | None = None) -> Bytes:
    """Read one IDX file of unsigned bytes, gzip-compressed or plain (detected by content, not by name).

    Args:
        path: the file.
        sha256: checksum (hex) the uncompressed file must have; None accepts any content.
    Returns:
        Its values, read-only, in the shape the file states.
    Raises:
        DataError: naming the file, if it is missing, truncated, corrupt or not IDX of unsigned bytes.
    """
    path = Path(path)
    raw = _uncompressed(path)
    shape = _shape(raw, path)
    start = 4 + 4 * len(shape)
    if len(raw) - start != math.prod(shape):
        raise DataError(must_be(f"{path}", f"{math.prod(shape)} values {shape}", len(raw) - start, _FETCH_AGAIN))
    if sha256 is not None and (found := hashlib.sha256(raw).hexdigest()) != sha256:
        advice = "Fetch the file again; data.idx(folder) reads other sets of the same shape."
        raise DataError(must_be(f"SHA-256 of {path}", f"{sha256[:12]}...", f"{found[:12]}...", advice))
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def idx(folder: str | Path, name: str | None = None, validation: int = 10_000) -> Dataset:
    """Return the data set in a folder of MNIST-shaped IDX files, grey value / 256 (float32 in [0, 1)).

    Args:
        folder: holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte`` and
            ``t10k-labels-idx1-ubyte``, each plain or with ``.gz``.
        name: the name of the data set in records; the name of the folder by default.
        validation: this many last rows of the training files become the validation part.
    Returns:
        The data set in file order; the t10k files are its sealed test part, read again when opened.
    Raises:
        DataError: naming the file that is missing, corrupt or does not fit the others.
    """
    files = IdxFolder(Path(folder).expanduser().resolve())
    return files.dataset(name or files.folder.name, validation)


@dataclass(frozen=True)
class IdxFolder:
    """Two pairs of IDX files, images and labels; ``checksums`` maps plain file names to their known SHA-256."""

    folder: Path
    checksums: Mapping[str, str] = field(default_factory=dict)

    def find(self, name: str) -> Path | None:
        """Return the file of that name, plain or compressed, or None."""
        # Some archives unpack to train-images.idx3-ubyte, with a dot.
        names = (name, name.replace("-idx", ".idx"))
        candidates = (self.folder / (spelling + ending) for spelling in names for ending in ("", ".gz"))
        return next((path for path in candidates if path.is_file()), None)

    def pair(self, which: str) -> tuple[Bytes, Bytes]:
        """Return the images (n, d) and labels (n,) of ``train`` or ``t10k``."""
        images, labels = (self._read(f"{which}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
        if images.ndim < 2 or labels.ndim != 1 or len(images) != len(labels) or 0 in images.shape:
            what, found = f"Shapes of the {which} files in {self.folder}", (images.shape, labels.shape)
            raise DataError(must_be(what, "(n, rows, columns) and (n,) with n >= 1", found, "Fetch both files again."))
        return images.reshape(len(images), -1), labels

    def dataset(self, name: str, validation: int, head: tuple[int | None, int | None] = (None, None)) -> Dataset:
        """Return the data set; ``head`` limits training and validation to their first rows before they are converted."""
        images, labels = self.pair("train")
        what, most = f"validation of {name!r}", len(labels) - 1
        integer(what, validation, 1, "Leave rows to train on.", most=most, error=DataError)
        border = len(labels) - validation
        features, classes = images.shape[1], int(labels.max()) + 1

        def test_part() -> Part:
            part = _part(*self.pair("t10k"))
            if part.x.shape[1] != features or part.y.max() >= classes:
                what, found = f"t10k files in {self.folder}", (part.x.shape[1], int(part.y.max()) + 1)
                raise DataError(must_be(what, f"of {features} features and {classes} classes", found, _FETCH_AGAIN))
            return part

        train = _first(f"train of {name!r}", head[0], slice(0, border))
        chosen = _first(f"validation of {name!r}", head[1], slice(border, len(labels)))
        rows = range(len(labels), len(labels) + len(self._read("t10k-labels-idx1-ubyte")))
        return Dataset(
            name,
            _part(images[train], labels[train]),
            _part(images[chosen], labels[chosen]),
            classes,
            seal(name, rows, test_part),
        )

    def _read(self, name: str) -> Bytes:
        path = self.find(name)
        if path is None:
            advice = "Put all four IDX files there, plain or with .gz."
            raise DataError(must_be(f"{name} in {self.folder}", "a file", None, advice))
        return read_idx(path, self.checksums.get(name))


def _part(images: Bytes, labels: Bytes) -> Part:
    """Scale grey values by 1/256, a power of two, so that no bit is rounded."""
    return Part(np.multiply(images, np.float32(1 / 256), dtype=np.float32), labels.astype(np.int64))


def _first(what: str, rows: int | None, whole: slice) -> slice:
    """Return the slice of the first ``rows`` of a part, or all of it."""
    if rows is None:
        return whole
    available = whole.stop - whole.start
    integer(what, rows, 1, "Ask for fewer rows.", most=available, error=DataError)
    return slice(whole.start, whole.start + rows)


def _uncompressed(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(must_be(f"{path}", "a readable file", error.strerror, "Check the path.")) from error
    if not raw.startswith(_GZIP):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(must_be(f"{path}", "an intact gzip file", str(error), _FETCH_AGAIN)) from error


def _shape(raw: bytes, path: Path) -> tuple[int, ...]:
    """Return the dimensions the header states."""
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] != _UNSIGNED_BYTE or raw[3] == 0:
        advice = "Check that it is an IDX file and not, say, a saved web page."
        raise DataError(must_be(f"First bytes of {path}", "00 00 08 and a dimension count", raw[:4].hex(" "), advice))
    if len(raw) < 4 + 4 * raw[3]:
        raise DataError(must_be(f"Header of {path}", f"{4 + 4 * raw[3]} bytes", len(raw), _FETCH_AGAIN))
    return struct.unpack_from(f">{raw[3]}I", raw, 4)
