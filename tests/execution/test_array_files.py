"""Packed objects: large arrays become files by their SHA-256, and come back mapped, aligned and equal."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.execution.array_files import FILE_BYTES, Packed, find_missing, pack, unpack, write_part

RNG = np.random.default_rng(0)
LARGE = RNG.normal(size=(100, 50))


def unaligned() -> np.ndarray[Any, Any]:
    """Return an array whose first number is not at a multiple of eight bytes, as it arrives in a message."""
    room = np.zeros(LARGE.nbytes + 10, np.uint8)
    array = room[10:].view(np.float64).reshape(LARGE.shape)
    array[:] = LARGE
    return array


def write(packed: Packed, folder: Path, part: int = 7000) -> None:
    for checksum, content in packed.arrays.items():
        for offset in range(0, len(content), part):
            write_part(folder, checksum, offset, content[offset : offset + part], len(content))


@pytest.mark.parametrize(
    "array",
    [
        LARGE,
        np.asfortranarray(LARGE),
        np.concatenate([LARGE, LARGE])[::2],
        unaligned(),
        LARGE.astype(np.float32),
        np.arange(2000).astype("datetime64[s]"),
        np.array(["text", "longer text"] * 500),
        np.zeros(2000, [("a", "i4"), ("b", "f8")]),
    ],
    ids=["c", "fortran", "strided", "unaligned", "float32", "times", "texts", "structured"],
)
def test_a_large_array_comes_back_equal_and_aligned(array: np.ndarray[Any, Any], tmp_path: Path) -> None:
    packed = pack({"a": array})
    assert len(packed.content) < 1000
    write(packed, tmp_path / "own")
    found = unpack(packed.content, tmp_path / "own")["a"]
    assert np.array_equal(found, array)
    assert (found.dtype, found.flags.f_contiguous) == (array.dtype, array.flags.f_contiguous)
    assert found.ctypes.data % 64 == 0


def test_small_arrays_and_objects_stay_in_the_pickle(tmp_path: Path) -> None:
    things = {"small": np.zeros(FILE_BYTES // 8), "objects": np.array([{}] * FILE_BYTES)}
    packed = pack(things)
    assert packed.arrays == {}
    assert {name: len(value) for name, value in unpack(packed.content, tmp_path).items()} == {"small": 1250, "objects": 10_000}


def test_one_array_in_two_places_stays_one_and_equal_arrays_stay_two(tmp_path: Path) -> None:
    packed = pack([LARGE, LARGE, LARGE.copy()])
    assert list(packed.arrays) == [hashlib.sha256(LARGE.tobytes()).hexdigest()]
    write(packed, tmp_path / "own")
    first, again, copy = unpack(packed.content, tmp_path / "own")
    assert first is again
    assert copy is not first


def test_a_trial_may_write_to_what_is_below_a_megabyte_and_the_file_stays(tmp_path: Path) -> None:
    packed = pack([LARGE.copy(), np.zeros(2**18)])
    write(packed, tmp_path / "own")
    small, large = unpack(packed.content, tmp_path / "own")
    small[:] = 0.0
    assert not large.flags.writeable
    assert np.array_equal(unpack(packed.content, tmp_path / "own")[0], LARGE)


def test_a_damaged_file_is_noticed(tmp_path: Path) -> None:
    packed = pack(LARGE)
    write(packed, tmp_path / "own")
    (path,) = (tmp_path / "own").iterdir()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="is damaged"):
        unpack(packed.content, tmp_path / "own")


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    ((checksum, content),) = pack(LARGE).arrays.items()
    folder = tmp_path / "own"
    write_part(folder, checksum, 0, content[:100], len(content))
    assert find_missing(folder, [checksum]) == [checksum]
    write_part(folder, checksum, 100, content[100:], len(content))
    assert find_missing(folder, [checksum]) == []
    assert folder.stat().st_mode & 0o077 == 0
