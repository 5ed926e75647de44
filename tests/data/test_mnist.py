"""MNIST against published facts, by each of its three ways, and the sentence where there is none."""

from __future__ import annotations

import hashlib
import os
import shutil
import urllib.error
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets

from hpsearch.data import Dataset, mnist
from hpsearch.data.idx import read_idx
from hpsearch.data.mnist import find_mnist
from hpsearch.data.vault import open_test
from hpsearch.errors import DataError

HOME = os.environ.get("HPSEARCH_DATA_HOME")
needs_mnist = pytest.mark.skipif(HOME is None, reason="HPSEARCH_DATA_HOME is not set")

# Rows per class, as in every published table of MNIST.
TRAINING_FILE = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_FILE = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.fixture(scope="module")
def whole() -> Dataset:
    return mnist()


def source() -> Path:
    folder = find_mnist()
    assert folder is not None
    return folder


@needs_mnist
def test_sizes_and_classes(whole: Dataset) -> None:
    assert repr(whole) == "mnist(train=50000, validation=10000)"
    assert (whole.features, whole.classes) == (784, 10)
    assert repr(whole.test) == "Sealed(mnist, rows=10000)"
    labels = np.concatenate([whole.train.y, whole.validation.y])
    assert np.bincount(labels).tolist() == TRAINING_FILE


@needs_mnist
def test_first_labels_of_each_part(whole: Dataset) -> None:
    assert whole.train.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    # The validation part of the file mnist.pkl.gz, from which the split is known: 3 8 6 ... 5 6 8.
    assert whole.validation.y[[0, 1, 2, -3, -2, -1]].tolist() == [3, 8, 6, 5, 6, 8]


@needs_mnist
def test_pixels_are_bytes_over_256(whole: Dataset) -> None:
    x = whole.train.x
    assert (x.dtype, x.flags.c_contiguous, x.flags.writeable) == (np.float32, True, False)
    assert (x.min(), x.max()) == (0.0, 255 / 256)
    assert np.array_equal(x[:500] * 256, np.round(x[:500] * 256))
    # The usual normalisation constant, 0.1307, is the mean of bytes / 255 over the training file.
    both = (x.mean(dtype=float) * 5 + whole.validation.x.mean(dtype=float)) / 6
    assert both * 256 / 255 == pytest.approx(0.1307, abs=5e-5)


@needs_mnist
def test_the_test_part(whole: Dataset) -> None:
    assert whole.test is not None
    part = open_test(whole.test)
    assert part.y[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(part.y).tolist() == TEST_FILE


@needs_mnist
def test_a_reproduction_watches_the_test_file(whole: Dataset) -> None:
    data = whole.for_reproduction()
    assert repr(data) == "mnist-reproduction(train=50000, validation=10000)"
    assert data.validation.y[:3].tolist() == [7, 2, 1]


@needs_mnist
def test_first_rows_are_those_of_the_whole(whole: Dataset) -> None:
    assert mnist(train=200, validation=50) == whole.head(200, 50)
    assert mnist(train=200).validation.checksum == whole.validation.checksum
    with pytest.raises(DataError, match=r"train of 'mnist' must be a whole number in \[1, 50000\], got 50001"):
        mnist(train=50_001)


@needs_mnist
def test_the_cache_and_the_download_give_the_same_bits(whole: Dataset, no_mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_DATA_HOME", str(HOME))
    rows, labels = (
        np.concatenate([read_idx(next(source().glob(f"{which}-{kind}-*"))) for which in ("train", "t10k")])
        for kind in ("images", "labels")
    )
    monkeypatch.delenv("HPSEARCH_DATA_HOME")
    calls: list[str] = []

    def openml(name: str, **settings: object) -> tuple[np.ndarray, np.ndarray]:
        """The server's answer: floats and texts, in the order of the files."""
        calls.append(name)
        return rows.reshape(-1, 784).astype(float), labels.astype(str).astype(object)

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", openml)
    downloaded, cached = mnist(), mnist()
    assert calls == ["mnist_784"]
    assert downloaded == cached == whole
    assert downloaded.test == cached.test == whole.test
    assert sorted(path.name for path in (no_mnist / "mnist").iterdir()) == [
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
    ]
    # MD5 of the uncompressed file, as published with several mirrors.
    content = (no_mnist / "mnist" / "train-images-idx3-ubyte").read_bytes()
    assert hashlib.md5(content, usedforsecurity=False).hexdigest() == "6bbc9ace898e44ae57da46a324031adb"


@needs_mnist
def test_a_subfolder_is_found_and_a_corrupt_copy_is_not_used(
    whole: Dataset, tmp_path: Path, no_mnist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HPSEARCH_DATA_HOME", str(HOME))
    shutil.copytree(source(), tmp_path / "home" / "mnist", copy_function=shutil.copyfile)
    (tmp_path / "home" / "mnist").chmod(0o755)
    monkeypatch.setenv("HPSEARCH_DATA_HOME", str(tmp_path / "home"))
    assert mnist(100, 10) == whole.head(100, 10)
    labels = next((tmp_path / "home" / "mnist").glob("train-labels-*"))
    values = read_idx(labels).copy()
    values[0] = 6
    labels.write_bytes(b"\0\0\x08\x01" + (60_000).to_bytes(4, "big") + values.tobytes())
    with pytest.raises(DataError, match=r"SHA-256 of .*train-labels.* must be"):
        mnist()


def test_another_set_under_the_same_file_names_is_refused(tiny: Path, no_mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_DATA_HOME", str(tiny))
    with pytest.raises(DataError, match=r"SHA-256 of .*data\.idx\(folder\) reads other sets"):
        mnist()


def test_without_any_of_the_three_ways_one_sentence_names_them(no_mnist: Path) -> None:
    with pytest.raises(DataError, match=r"^MNIST must be in a folder") as caught:
        mnist()
    said = str(caught.value)
    for way in ("HPSEARCH_DATA_HOME=None", str(no_mnist / "mnist"), "openml.org", "data.digits()"):
        assert way in said
    assert "\n" not in said
    assert not no_mnist.exists()


@pytest.mark.parametrize("error", [TimeoutError("slow"), urllib.error.URLError("no route"), ValueError("no such set")])
def test_any_failure_of_the_download_gives_the_sentence(
    no_mnist: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*args: object, **settings: object) -> None:
        raise error

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fails)
    with pytest.raises(DataError, match=f"from openml.org {type(error).__name__}"):
        mnist()


def test_a_download_that_is_not_mnist_is_not_kept(no_mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, labels = np.zeros((70_000, 784), np.uint8), np.full(70_000, "0", dtype=object)
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda *args, **settings: (rows, labels))
    with pytest.raises(DataError, match="checksum of train-images-idx3-ubyte is not the published one"):
        mnist()
    assert not no_mnist.exists()
