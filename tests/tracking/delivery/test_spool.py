"""The spool: what a killed process, a full disk or half a line leaves, the next start finds whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hpsearch.errors import TrackingError
from hpsearch.tracking import MlflowTracker, Store
from hpsearch.tracking.delivery import spool, spool_file
from hpsearch.tracking.delivery.spool import Spool
from tests.tracking.sample import SPACE, plain, text, tracked, trials
from tests.tracking.test_resume import outage, wait_for

RUN = "0123456789abcdef"


@pytest.fixture
def places(tmp_path: Path) -> list[Path]:
    return [tmp_path / "first" / "a.unsent.jsonl", tmp_path / "second" / "b.unsent.jsonl"]


@pytest.fixture
def spare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that is used where the project's disk is full: not that of the user who runs the tests."""
    folder = tmp_path / "spare"
    monkeypatch.setattr("hpsearch.tracking.store.store.spare_folders", lambda: [folder])
    return folder


def held(path: Path) -> list[str]:
    return text(spool_file.read(path, RUN, SPACE))


def test_a_trial_is_in_the_file_until_it_is_settled(places: list[Path]) -> None:
    kept = Spool(places, RUN, tracked())
    for trial in trials():
        kept.add(trial)
    assert held(places[0]) == text(trials())
    for trial in trials():
        kept.settle(trial.number)
    assert places[0].read_bytes() == b""
    kept.keep([])
    assert not places[0].exists()
    assert not places[1].exists()


def test_half_a_line_costs_that_trial_alone(places: list[Path]) -> None:
    kept = Spool(places, RUN, tracked())
    for trial in trials()[:2]:
        kept.add(trial)
    whole = places[0].read_bytes()
    for length in (1, 9, 40, len(whole.splitlines()[-1])):
        places[0].write_bytes(whole + whole.splitlines()[-1][:length])
        if length > 8:  # fewer bytes do not tell whose they are
            assert held(places[0]) == text(trials()[:2])
        Spool(places, RUN, tracked()).add(trials()[2])
        assert held(places[0]) == text(trials()[:3])


def test_a_full_disk_sends_trials_to_the_second_place(places: list[Path], caplog: pytest.LogCaptureFixture) -> None:
    kept = Spool(places, RUN, tracked())
    kept.add(plain(0))
    places[0].rename(places[0].with_suffix(".aside"))
    places[0].mkdir()  # as good as full: a real refusal by the system
    for number in (1, 2):
        kept.add(plain(number))
    kept.check()
    assert held(places[1]) == text([plain(1), plain(2)])
    assert caplog.text.count("takes nothing more") == 1
    assert kept.keep([plain(2)]) == places[1]


def test_where_no_place_takes_a_trial_it_is_named_and_tried_again(places: list[Path]) -> None:
    for place in places:
        place.mkdir(parents=True)
    kept = Spool(places, RUN, tracked())
    for number in (4, 7):
        kept.add(plain(number))
    with pytest.raises(TrackingError, match=r"Trials 4, 7 could be written neither to the store nor to .*Make room"):
        kept.check()
    places[1].rmdir()
    kept.check()
    assert held(places[1]) == text([plain(4), plain(7)])


def test_a_file_of_mostly_settled_trials_is_written_anew(places: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "COMPACT_BYTES", 10_000)
    kept = Spool(places, RUN, tracked())
    for number in range(200):
        kept.add(plain(number))
        if number >= 2:
            kept.settle(number - 2)
    assert places[0].stat().st_size < 20_000
    assert held(places[0])[-2:] == text([plain(198), plain(199)])


WAITING = """
import os, signal, sys
from pathlib import Path
from hpsearch.tracking import MlflowTracker
from tests.tracking.sample import plain, tracked
from tests.tracking.test_resume import outage
tracker = MlflowTracker(root=Path(sys.argv[1]))
tracker.start(tracked())
with outage(tracker.store):
    for number in range(50):
        tracker.record(plain(number))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_loses_no_trial_that_was_recorded(root: Path) -> None:
    """Whether the store is away or only slower than the search: what `record` was given is there."""
    assert subprocess.run([sys.executable, "-c", WAITING, str(root)]).returncode == -9
    tracker = MlflowTracker(root=root)
    found = tracker.find(tracked())
    assert found is not None
    assert text(found.trials) == text(plain(number) for number in range(50))
    tracker.start(tracked())
    tracker.finish("finished", [])
    assert not tracker.store.spool_file("sample").exists()


def test_the_next_start_reads_every_place(root: Path, spare: Path) -> None:
    tracker = MlflowTracker(root=root)
    tracker.start(tracked())
    with outage(tracker.store):
        tracker.record(plain(0))
        wait_for(lambda: tracker._open().queue.unavailable)
        first = tracker.store.spool_file("sample")
        first.rename(first.with_suffix(".aside"))
        first.mkdir()
        tracker.record(plain(1))
        tracker.finish("killed", [])
    first.rmdir()
    later = MlflowTracker(root=root)
    found = later.find(tracked())
    assert found is not None
    assert text(found.trials) == text([plain(0), plain(1)])
    assert len(list(spare.iterdir())) == 1
    later.start(tracked())
    later.finish("finished", [])
    assert list(spare.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a folder to somebody else")
def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strange = tmp_path / "hpsearch-0"
    strange.mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    store = Store.at(None, tmp_path)
    assert len(store.spool_files("sample")) == 3
    os.chown(strange, 12345, 12345)
    assert len(store.spool_files("sample")) == 2
    strange.rmdir()
    strange.symlink_to(tmp_path)
    assert len(store.spool_files("sample")) == 2
