"""Saved states: round trip through memory and files, caps, damage, other studies; nothing is ever unpickled."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.execution.states import States, remove_stale

STATE = {
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
    "by_column": np.asfortranarray(np.eye(3)),
    "scalar": np.array(0.1),
    "words": np.array([2**64 - 1], np.uint64),
    "names": np.array(["a", "bc"]),
    "epoch": 7,
    "rate": 0.1,
    "odd": float("inf"),
    "nothing": None,
    "nested": {"on": True, "list": [1, 1.0, "x"]},
}
# A state of a kilobyte, of which a file takes some hundred bytes more.
KILO = 1024


def kilobyte(number: int) -> dict[str, Any]:
    return {"w": np.full(KILO // 8, float(number))}


def files(folder: Path) -> list[str]:
    return sorted(path.name.split("-", 1)[1] for path in folder.iterdir()) if folder.exists() else []


def same(found: Any, wanted: Any) -> bool:
    """Compare types, bits and the order in memory."""
    if isinstance(wanted, np.ndarray):
        order = (found.flags.c_contiguous, found.flags.f_contiguous) == (wanted.flags.c_contiguous, wanted.flags.f_contiguous)
        return order and found.dtype == wanted.dtype and found.shape == wanted.shape and found.tobytes() == wanted.tobytes()
    return type(found) is type(wanted) and repr(found) == repr(wanted)


def test_an_interrupted_run_leaves_its_states_to_the_next(tmp_path: Path) -> None:
    first = States("study", tmp_path / "s")
    first.put(4, 9, STATE)
    first.put(5, None, {"w": np.zeros(1)})
    first.close(finished=False)
    found = States("study", tmp_path / "s").get(4, 9)
    assert found is not None
    assert list(found) == list(STATE)
    assert all(same(found[name], STATE[name]) for name in STATE)
    assert States("study", tmp_path / "s").get(5, None) is not None
    assert States("study", tmp_path / "s").get(4, 27) is None


def test_a_finished_run_leaves_nothing(tmp_path: Path) -> None:
    states = States("study", tmp_path / "s", memory=0)
    states.put(0, 1, STATE)
    assert files(tmp_path / "s") == ["0-1.state"]
    states.close(finished=True)
    assert not (tmp_path / "s").exists()


def test_a_state_dropped_is_gone_from_memory_and_files(tmp_path: Path) -> None:
    states = States("study", tmp_path / "s", memory=KILO)
    states.put(0, 1, kilobyte(0))
    states.put(1, 1, kilobyte(1))
    assert files(tmp_path / "s") == ["0-1.state"]
    states.drop(0)
    states.drop(1)
    assert (states.get(0, 1), states.get(1, 1), files(tmp_path / "s")) == (None, None, [])


def test_the_oldest_moves_to_files_and_leaves_them_first(tmp_path: Path) -> None:
    states = States("study", tmp_path / "s", memory=2 * KILO, files=4 * KILO)
    for number in range(6):
        states.put(number, 1, kilobyte(number))
    # The two newest in memory; of the others two, since a file takes about a kilobyte and a half.
    assert files(tmp_path / "s") == ["2-1.state", "3-1.state"]
    assert [states.get(number, 1) is not None for number in range(6)] == [False, False, True, True, True, True]
    for number in range(2, 6):
        assert same((states.get(number, 1) or {})["w"], kilobyte(number)["w"])
    assert sum(path.stat().st_size for path in (tmp_path / "s").iterdir()) <= 4 * KILO


def test_without_a_folder_the_oldest_is_dropped() -> None:
    states = States(memory=2 * KILO)
    for number in range(3):
        states.put(number, 1, kilobyte(number))
    assert [states.get(number, 1) is not None for number in range(3)] == [False, True, True]


def test_without_a_cap_nothing_is_dropped() -> None:
    states = States(memory=None)
    for number in range(3):
        states.put(number, 1, kilobyte(number))
    assert all(states.get(number, 1) is not None for number in range(3))


class Own:
    """Any other object; unpickling one of these would be seen."""

    def __init__(self, size: int) -> None:
        self.content = bytes(size)

    def __setstate__(self, state: Any) -> None:
        raise AssertionError("a state was unpickled")


@pytest.mark.parametrize(
    "odd", [Own(8), (1, 2), np.float64(1.0), np.array([Own(1)], object), np.arange(9.0)[::2], np.ma.masked_array([1.0])]
)
def test_what_no_file_gives_back_as_it_was_stays_in_memory(tmp_path: Path, odd: Any) -> None:
    states = States("study", tmp_path / "s")
    states.put(0, 1, {"w": np.zeros(2), "odd": odd})
    assert (states.get(0, 1) or {})["odd"] is odd
    states.close(finished=False)
    assert files(tmp_path / "s") == []


def test_other_objects_are_dropped_last_and_oldest_first(tmp_path: Path) -> None:
    states = States("study", tmp_path / "s", memory=4 * KILO)
    for number in range(3):
        states.put(number, 1, {"model": Own(KILO + 200)})
    states.put(3, 1, kilobyte(3))
    assert files(tmp_path / "s") == ["3-1.state"]
    assert all(states.get(number, 1) is not None for number in range(4))
    states.put(4, 1, {"model": Own(KILO + 200)})
    assert [states.get(number, 1) is not None for number in range(5)] == [False, True, True, True, True]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-7]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"weights", b"wrights")),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(pickle.dumps(Own(1))),
        lambda path: path.unlink(),
        lambda path: path.replace(path.with_name(path.name.replace("-4-9", "-3-9"))),
    ],
)
def test_a_damaged_file_is_a_lost_state(tmp_path: Path, damage: Any) -> None:
    first = States("study", tmp_path / "s")
    first.put(4, 9, STATE)
    first.close(finished=False)
    second = States("study", tmp_path / "s")
    damage(next((tmp_path / "s").iterdir()))
    assert second.get(4, 9) is None
    assert States("study", tmp_path / "s").get(3, 9) is None


def test_files_of_another_study_under_the_name_are_removed_and_others_stay(tmp_path: Path) -> None:
    first = States("study", tmp_path / "s")
    first.put(4, 9, STATE)
    first.close(finished=False)
    (tmp_path / "s" / "notes.txt").write_text("mine")
    other = States("study with another seed", tmp_path / "s")
    assert other.get(4, 9) is None
    other.close(finished=True)
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["notes.txt"]


def test_a_fresh_run_finds_nothing(tmp_path: Path) -> None:
    first = States("study", tmp_path / "s")
    first.put(4, 9, STATE)
    first.close(finished=False)
    assert States("study", tmp_path / "s", fresh=True).get(4, 9) is None
    assert files(tmp_path / "s") == []


def test_stale_files_of_any_study_are_removed(tmp_path: Path) -> None:
    for name in ("old", "new"):
        states = States(name, tmp_path / name)
        states.put(0, 1, STATE)
        states.close(finished=False)
    for path in (tmp_path / "old").iterdir():
        os.utime(path, (0, 0))
    (tmp_path / "old" / "notes.txt").write_text("mine")
    os.utime(tmp_path / "old" / "notes.txt", (0, 0))
    remove_stale(tmp_path)
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["notes.txt"]
    assert files(tmp_path / "new") == ["0-1.state"]


def test_a_folder_that_cannot_be_written_costs_states_alone(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("a file, not a folder")
    states = States("study", tmp_path / "s", memory=KILO)
    states.put(0, 1, kilobyte(0))
    states.put(1, 1, kilobyte(1))
    assert (states.get(0, 1), states.get(1, 1) is None) == (None, False)
    states.close(finished=False)
    assert (tmp_path / "s").read_text() == "a file, not a folder"
