"""IDX files written by the tests byte by byte, and every way they can be broken."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from hpsearch.data import idx
from hpsearch.data.idx import read_idx
from hpsearch.data.vault import open_test
from hpsearch.errors import DataError, VaultError
from tests.data.small_parts import WriteIdx

FASHION = Path("/usr/share/datasets/fashion-mnist")  # where Debian's package dataset-fashion-mnist puts it


@pytest.mark.parametrize("compress", [False, True])
def test_values_come_back_in_their_shape(write_idx: WriteIdx, compress: bool) -> None:
    values = read_idx(write_idx("cube", (2, 3, 4), bytes(range(24)), compress))
    assert (values.shape, values.dtype, values[1, 2, 3], values[0, 1, 0]) == ((2, 3, 4), np.uint8, 23, 4)
    assert not values.flags.writeable


INTACT = bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9])
PACKED = gzip.compress(INTACT, mtime=0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "First bytes of .* must be 00 00 08"),
        (b"\0\0\x08", "First bytes"),
        (b"<!DOCTYPE html>", "First bytes .* got '3c 21 44 4f'.*web page"),
        (b"\0\0\x0d" + INTACT[3:], "First bytes .* got '00 00 0d 01'"),
        (b"\0\0\x08\0", "First bytes .* got '00 00 08 00'"),
        (INTACT[:6], "Header of .* must be 8 bytes, got 6"),
        (INTACT[:-1], r"must be 3 values \(3,\), got 2. Fetch the file again"),
        (INTACT + b"\0", r"must be 3 values \(3,\), got 4"),
        (b"\0\0\x08\x02" + b"\xff" * 8, "values .*, got 0"),
        (PACKED[:-9], "must be an intact gzip file"),
        (PACKED[:-8] + b"\0" * 8, "must be an intact gzip file"),
        (PACKED[:12] + b"\xff\xff" + PACKED[14:], "must be an intact gzip file"),
        (PACKED[:5], "must be an intact gzip file"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "broken-idx1-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError, match=sentence) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["absent", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="must be a readable file"):
        read_idx(tmp_path / name)


def test_another_content_than_the_known_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(INTACT)
    with pytest.raises(DataError, match=r"SHA-256 of .* must be 000000000000\.\.\., got '[0-9a-f]{12}...'"):
        read_idx(path, sha256="0" * 64)


def test_a_folder_becomes_a_data_set_in_file_order(tiny: Path) -> None:
    data = idx(tiny, validation=2)
    assert repr(data) == "tiny(train=4, validation=2)"
    assert (data.classes, data.features) == (3, 4)
    np.testing.assert_array_equal(data.train.x, np.arange(16).reshape(4, 4) / 256)
    np.testing.assert_array_equal(data.validation.x, np.arange(16, 24).reshape(2, 4) / 256)
    assert data.validation.y.tolist() == [1, 2]


def test_the_test_files_are_sealed(tiny: Path) -> None:
    data = idx(str(tiny), name="other", validation=2)
    assert repr(data.test) == "Sealed(other, rows=3)"
    assert data.test is not None
    assert data.test.rows == range(6, 9)
    part = open_test(data.test)
    assert part.y.tolist() == [2, 1, 0]
    assert part.x[2, 3] == 255 / 256


def test_a_test_file_changed_in_the_meantime_is_not_handed_out(tiny: Path, write_idx: WriteIdx) -> None:
    data = idx(tiny, validation=2)
    write_idx("tiny/t10k-labels-idx1-ubyte", (3,), bytes([0, 0, 0]))
    assert data.test is not None
    with pytest.raises(VaultError, match="changed after it was sealed"):
        open_test(data.test)


def test_a_missing_file_is_named(tiny: Path) -> None:
    (tiny / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte in .*tiny must be a file, got None"):
        idx(tiny, validation=2)


@pytest.mark.parametrize("validation", [0, 6, -1, 0.2, True])
def test_the_validation_part_leaves_rows_to_train_on(tiny: Path, validation: int) -> None:
    with pytest.raises(DataError, match=r"validation of 'tiny' must be a whole number in \[1, 5\]"):
        idx(tiny, validation=validation)


@pytest.mark.parametrize(
    ("name", "shape", "values", "sentence"),
    [
        ("train-labels-idx1-ubyte", (5,), bytes(5), "Shapes of the train files"),
        ("train-labels-idx1-ubyte", (6, 1), bytes(6), "Shapes of the train files"),
        ("train-images-idx3-ubyte", (6,), bytes(6), "Shapes of the train files"),
        ("train-images-idx3-ubyte", (6, 0, 2), b"", "Shapes of the train files"),
        ("t10k-labels-idx1-ubyte", (3,), bytes([0, 1, 9]), "t10k files .* 4 features and 3 classes, got"),
        ("t10k-images-idx3-ubyte", (3, 1, 2), bytes(6), "t10k files .* 4 features and 3 classes, got"),
    ],
)
def test_files_that_do_not_fit_each_other_are_refused(
    tiny: Path, write_idx: WriteIdx, name: str, shape: tuple[int, ...], values: bytes, sentence: str
) -> None:
    write_idx(f"tiny/{name}", shape, values)
    with pytest.raises(DataError, match=sentence):
        idx(tiny, validation=2)


@pytest.mark.skipif(not FASHION.is_dir(), reason="package dataset-fashion-mnist is not installed")
def test_fashion_mnist_loads() -> None:
    data = idx(FASHION)
    assert repr(data) == "fashion-mnist(train=50000, validation=10000)"
    labels = np.concatenate([data.train.y, data.validation.y])
    assert np.bincount(labels).tolist() == [6000] * 10  # balanced by construction, as its authors state
    assert data.train.y[:5].tolist() == [9, 0, 0, 3, 0]
