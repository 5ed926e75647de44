"""Small data sets written by the tests themselves, byte by byte."""

from __future__ import annotations

import gzip
import struct
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import platformdirs
import pytest

from hpsearch.data import Dataset
from tests.data.small_parts import WriteIdx, part_of


@pytest.fixture
def write_idx(tmp_path: Path) -> WriteIdx:
    """Write values of a shape as an IDX file, by the format's own description."""

    def write(name: str, shape: Sequence[int], values: bytes, compress: bool = False) -> Path:
        raw = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + values
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(raw) if compress else raw)
        return path

    return write


@pytest.fixture
def tiny(write_idx: WriteIdx, tmp_path: Path) -> Path:
    """A folder of four IDX files: 6 training and 3 test images of 2 x 2 pixels, 3 classes."""
    write_idx("tiny/train-images-idx3-ubyte", (6, 2, 2), bytes(range(24)))
    write_idx("tiny/train-labels-idx1-ubyte.gz", (6,), bytes([0, 1, 2, 0, 1, 2]), compress=True)
    write_idx("tiny/t10k-images.idx3-ubyte", (3, 2, 2), bytes(range(244, 256)))
    write_idx("tiny/t10k-labels-idx1-ubyte", (3,), bytes([2, 1, 0]))
    return tmp_path / "tiny"


@pytest.fixture
def no_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without MNIST: no folder, an empty cache, and a proxy that answers nothing; returns the cache."""
    cache = tmp_path / "cache"
    monkeypatch.delenv("HPSEARCH_DATA_HOME", raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)  # it keeps the proxies that it saw first
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda app: str(cache))
    return cache


@pytest.fixture
def toy() -> Dataset:
    """Four training and two validation rows, two classes, no test part."""
    return Dataset("toy", part_of(4), part_of(2, start=100.0), classes=2)
