"""MNIST from a folder, from the cache or from OpenML, to the same bits."""

from __future__ import annotations

import hashlib
import http.client
import logging
import os
import socket
import struct
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.data.dataset import Dataset
from hpsearch.data.idx import IdxFolder
from hpsearch.errors import DataError

HOME_VARIABLE = "HPSEARCH_DATA_HOME"

# SHA-256 of the uncompressed files, as published with several mirrors. Training images come last: a cache folder that
# holds them holds all four.
_CHECKSUMS = {
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
}
_TRAINING_ROWS = 60_000
_VALIDATION_ROWS = 10_000
_TIMEOUT_SECONDS = 30.0

_log = logging.getLogger(__name__)


def mnist(train: int | None = None, validation: int | None = None) -> Dataset:
    """Return MNIST: 28 x 28 pixels, grey value / 256 (float32 in [0, 1)), 10 classes, in file order.

    The last 10,000 rows of the training file are the validation part, the test file is the sealed test part. The files
    are taken from the folder in HPSEARCH_DATA_HOME (or its ``mnist`` subfolder), else from the user's cache folder, else
    downloaded once from OpenML into that cache; in each case they are verified against the published checksums.

    Args:
        train: only the first so many of the 50,000 training rows.
        validation: only the first so many of the 10,000 validation rows.
    Raises:
        DataError: if MNIST is in none of the three places, a file is corrupt, or there are fewer rows.
    Source: LeCun, Cortes and Burges; the split is the one of Nielsen, Neural Networks and Deep Learning, chapter 1.
        The first five training labels are 5 0 4 1 9.
    """
    folder = find_mnist()
    if folder is None:
        folder = cache_folder()
        _download(folder)
    return IdxFolder(folder, _CHECKSUMS).dataset("mnist", _VALIDATION_ROWS, head=(train, validation))


def find_mnist() -> Path | None:
    """Return the folder MNIST would be read from, without reading it, or None if it would have to be downloaded."""
    home = os.environ.get(HOME_VARIABLE)
    given = [Path(home).expanduser().resolve(), Path(home).expanduser().resolve() / "mnist"] if home else []
    candidates = [*given, cache_folder()]
    return next((folder for folder in candidates if IdxFolder(folder).find("train-images-idx3-ubyte")), None)


def cache_folder() -> Path:
    """Return the folder a downloaded MNIST is kept in."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("hpsearch")) / "mnist"


def _download(folder: Path) -> None:
    """Download MNIST from OpenML and store it as the four IDX files, if their checksums are the published ones."""
    _log.info("Downloading MNIST from openml.org into %s (once, 15 MB)", folder)
    try:
        images, labels = _fetch()
        files = dict(_idx_files(images, labels))
        wrong = [name for name, raw in files.items() if hashlib.sha256(raw).hexdigest() != _CHECKSUMS[name]]
        if wrong:
            raise ValueError(f"checksum of {wrong[0]} is not the published one")
        folder.mkdir(parents=True, exist_ok=True)
        for name in _CHECKSUMS:
            _write(folder / name, files[name])
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = f"{HOME_VARIABLE}={os.environ.get(HOME_VARIABLE)!r} and from openml.org {type(error).__name__}: {error}"
        raise DataError(
            f"MNIST must be in a folder, in the cache or within reach of a download, got {reason}. "
            f"Set {HOME_VARIABLE} to a folder with its four IDX files, put them into {folder}, "
            "or connect to openml.org once; data.digits() needs none of this."
        ) from error


def _fetch() -> tuple[Any, Any]:
    """Return OpenML's 70,000 rows and labels, which are the training file followed by the test file."""
    from sklearn.datasets import fetch_openml

    with _time_limit(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a retry; a second failure raises
        return fetch_openml(  # type: ignore[no-any-return]
            "mnist_784", version=1, as_frame=False, return_X_y=True, cache=False, n_retries=1, delay=1.0
        )


@contextmanager
def _time_limit() -> Iterator[None]:
    """Set a time limit for a silent server; scikit-learn opens its connections without one."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _idx_files(images: Any, labels: Any) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the four files, made from OpenML's table."""
    pixels, classes = np.asarray(images).astype(np.uint8), np.asarray(labels).astype(np.uint8)
    for which, rows in (("train", slice(_TRAINING_ROWS)), ("t10k", slice(_TRAINING_ROWS, None))):
        count = len(pixels[rows])
        yield f"{which}-images-idx3-ubyte", struct.pack(">4I", 0x803, count, 28, 28) + pixels[rows].tobytes()
        yield f"{which}-labels-idx1-ubyte", struct.pack(">2I", 0x801, count) + classes[rows].tobytes()


def _write(path: Path, content: bytes) -> None:
    """Write a file atomically, also while other processes write it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
