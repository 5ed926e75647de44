"""The doctor names what kills, outages and strangers' hands leave in a store, mends it, and harms nothing that is well."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from hpsearch.errors import TrackingError
from hpsearch.tracking import MlflowTracker, Store
from hpsearch.tracking.delivery.spool import Spool
from hpsearch.tracking.doctor import doctor
from hpsearch.tracking.lease import Claim, Owner, newest_claim
from hpsearch.tracking.lease.claim import ENDED, HEARTBEAT
from hpsearch.tracking.lease.lease import make_claim
from hpsearch.tracking.runs.writer import write_trial
from hpsearch.tracking.store.client import search
from tests.command import run_command
from tests.tracking.sample import plain, text, tracked, trials
from tests.tracking.test_resume import KILLED, outage


def findings(root: Path, repair: bool = False) -> list[str]:
    """Return what the doctor says of a store that nobody has opened yet."""
    said = []
    for finding in doctor.examine(Store.at(None, root)):
        said.append(str(finding))
        if repair:
            doctor.repair(finding)
    return said


def run_study(tracker: MlflowTracker, name: str = "sample", count: int = 3) -> None:
    tracker.start(tracked(name))
    for number in range(count):
        tracker.record(plain(number))
    tracker.finish("finished", [])


def found_trials(root: Path) -> list[str]:
    found = MlflowTracker(root=root).find(tracked())
    assert found is not None
    return text(found.trials)


def rows(root: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as connection:
        return connection.execute(query).fetchall()


def test_a_healthy_store_has_no_findings(root: Path, tracker: MlflowTracker) -> None:
    tracker.start(tracked())
    for trial in trials():
        tracker.record(trial)
    tracker.finish("killed", [])
    before = rows(root, "select * from runs order by run_uuid")
    assert findings(root, repair=True) == []
    assert rows(root, "select * from runs order by run_uuid") == before


def test_what_a_kill_leaves_is_named_and_mended_once(root: Path) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, str(root)]).returncode == -9
    first = findings(root)
    assert [said.partition(" (run")[0] for said in first] == [
        "Study 'sample' is marked as running, but no process runs it",
        "Study 'sample' has half-written trials: 3. With --repair: their runs are deleted; a later start records or runs them.",
        f"{str(root / 'mlruns' / 'sample.unsent.jsonl')!r} holds trials 3, which the store does not have, of a study recorded"
        " here. The next start records them: hpsearch run FILE",
    ]
    assert findings(root, repair=True) == first
    assert findings(root) == first[2:]
    assert found_trials(root) == text(plain(number) for number in range(4))
    states = "select status, lifecycle_stage, count(*) from runs group by 1, 2 order by 1, 2"
    # The half-written run is hidden, not destroyed.
    assert rows(root, states) == [("FINISHED", "active", 3), ("KILLED", "active", 1), ("RUNNING", "deleted", 1)]


def test_a_study_that_runs_is_left_alone(root: Path, tracker: MlflowTracker) -> None:
    tracker.start(tracked())
    tracker.record(plain(0))
    tracker.store.client.create_run(tracker._open().parent.info.experiment_id, tags=_child(tracker, 1))
    tracker.store.spool_file("sample").write_text("damaged")
    assert findings(root, repair=True) == []
    tracker.store.spool_file("sample").unlink()
    tracker.finish("finished", [])
    tracker.store.client.create_run(tracker._open().parent.info.experiment_id, tags=_child(tracker, 2))
    assert len(findings(root)) == 1


def _child(tracker: MlflowTracker, number: int) -> dict[str, str]:
    parent = tracker._open().run_id
    return {"mlflow.parentRunId": parent, "hpsearch.kind": "trial", "hpsearch.number": str(number)}


def test_of_repeated_trials_the_first_stays(root: Path, tracker: MlflowTracker) -> None:
    run_study(tracker)
    for number in (0, 2):
        later = replace(plain(number, 0.75), started=plain(number).started + 1)
        write_trial(tracker.store.client, tracker._open().parent, tracked(), later, {})
    assert findings(root, repair=True) == [
        "Study 'sample' has trials recorded more than once: 0, 2."
        " With --repair: the earliest run of each stays, the others are deleted."
    ]
    assert findings(root) == []
    assert found_trials(root) == text(plain(number) for number in range(3))


def test_trials_of_a_deleted_run_come_back_with_it(root: Path, tracker: MlflowTracker) -> None:
    run_study(tracker)
    tracker.store.client.delete_run(tracker._open().run_id)
    (said,) = findings(root, repair=True)
    assert "has 3 finished trials whose own run" in said
    assert "was deleted" in said
    assert findings(root) == []
    assert found_trials(root) == text(plain(number) for number in range(3))


def test_trials_whose_run_is_gone_for_good_are_named_and_kept(root: Path, tracker: MlflowTracker) -> None:
    run_study(tracker)
    client, parent = tracker.store.client, tracker._open().parent
    for run in client.search_runs([parent.info.experiment_id], "tags.`hpsearch.kind` = 'trial'"):
        client.set_tag(run.info.run_id, "mlflow.parentRunId", "0" * 32)
    (said,) = findings(root, repair=True)
    assert f"has 3 finished trials whose own run {'0' * 32} is not in the store" in said
    assert findings(root) == [said]


def leave_two_unsent(tracker: MlflowTracker) -> None:
    """Record trial 0; let the store be away for trials 1 and 2, to the end of the study."""
    run_study(tracker, count=1)
    tracker.start(tracked())
    with outage(tracker.store):
        for number in (1, 2):
            tracker.record(plain(number))
        tracker.finish("killed", [])


def test_unsent_trials_wait_for_the_next_start(root: Path, tracker: MlflowTracker) -> None:
    leave_two_unsent(tracker)
    said = findings(root, repair=True)
    assert len(said) == 2  # the study still counts as running, too
    assert "holds trials 1, 2, which the store does not have, of a study recorded here. The next start records them" in said[1]
    run = MlflowTracker(root=root)
    run.start(tracked())
    run.finish("finished", [])
    assert findings(root) == []
    assert found_trials(root) == text(plain(number) for number in range(3))


def test_sound_lines_of_a_damaged_file_are_saved(root: Path, tracker: MlflowTracker) -> None:
    leave_two_unsent(tracker)
    file = tracker.store.spool_file("sample")
    first, second = file.read_bytes().splitlines()
    file.write_bytes(first + b"\n" + second[:100] + b"\n\xff[]\n{}\n")
    assert any("is damaged in 3 of 4 lines" in said for said in findings(root, repair=True))
    assert file.with_suffix(".damaged").read_bytes() == second[:100] + b"\n\xff[]\n{}\n"
    assert found_trials(root) == text(plain(number) for number in range(2))
    assert not any("is damaged in" in said for said in findings(root))


def test_unsent_trials_of_another_store_are_named_and_kept(tmp_path: Path, root: Path, tracker: MlflowTracker) -> None:
    other = tmp_path / "other"
    shutil.copytree(root, other)
    tracker.start(tracked())
    with outage(tracker.store):
        tracker.record(plain(0))
        tracker.finish("killed", [])
    file = Path(shutil.copy(tracker.store.spool_file("sample"), other / "mlruns"))
    kept = file.read_bytes()
    (said,) = findings(other, repair=True)
    assert "holds trials 0, which the store does not have, of run" in said
    assert "which is not in this store. Check whether they belong to another store" in said
    assert file.read_bytes() == kept


def test_artifacts_without_a_study_and_studies_without_artifacts(root: Path, tracker: MlflowTracker) -> None:
    run_study(tracker)
    run_study(tracker, "other")
    artifacts = root / "mlruns" / "artifacts"
    (artifacts / "sample").rename(artifacts / "strange")
    (artifacts / "empty").mkdir()
    said = findings(root, repair=True)
    assert len(said) == 2
    assert f"The artifacts of study 'sample' are gone: there is no folder '{artifacts / 'sample'}'" in said[0]
    assert f"The folder '{artifacts / 'strange'}' with 1 files belongs to no study of this store" in said[1]


def test_a_moved_project_and_another_journal_are_mended(root: Path, tracker: MlflowTracker) -> None:
    run_study(tracker)
    new = root.with_name("moved")
    shutil.copytree(root, new)
    shutil.rmtree(root)
    with closing(sqlite3.connect(new / "mlruns" / "mlflow.db")) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    said = findings(new)
    assert "keeps a 'delete' journal" in said[0]
    assert "The project folder has moved: the artifacts of 'sample' are recorded in another place" in said[1]
    assert rows(new, "PRAGMA journal_mode") == [("delete",)]
    findings(new, repair=True)
    assert findings(new) == []
    assert rows(new, "PRAGMA journal_mode") == [("wal",)]


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.write_bytes(b"no database at all " * 100), "cannot be read: file is not a database"),
        (lambda path: path.write_bytes(path.read_bytes()[:8192] + b"\xff" * 300_000), "is damaged|cannot be read"),
        (lambda path: _sql(path, "UPDATE alembic_version SET version_num = 'f4a9b2c7d1e6'"), "is of schema f4a9b2c7d1e6, this"),
        (lambda path: path.write_bytes(b""), "holds no MLflow tables"),
    ],
    ids=["no database", "damaged", "other schema", "empty"],
)
def test_a_file_that_mlflow_cannot_use_is_named_and_untouched(root: Path, harm: object, said: str) -> None:
    import re

    path = root / "mlruns" / "mlflow.db"
    harm(path)  # type: ignore[operator]
    before = path.read_bytes()
    (finding,) = findings(root, repair=True)
    assert re.search(said, finding)
    assert path.read_bytes() == before


def _sql(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_more_trials_than_a_page_holds_are_all_seen(
    root: Path, tracker: MlflowTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker.start(tracked())
    tracker.finish("finished", [])
    for number in range(7):
        tracker.store.client.create_run(tracker._open().parent.info.experiment_id, tags=_child(tracker, number))
    monkeypatch.setattr(search, "__defaults__", (3, False))
    assert "half-written trials: 0, 1, 2, 3, 4, 5, 6." in findings(root, repair=True)[0]
    assert findings(root) == []


def test_the_command_ends_with_1_where_something_is_left(root: Path) -> None:
    def examine(*arguments: str) -> tuple[int, str, str]:
        done = run_command(root, "doctor", *arguments)
        return done.returncode, done.stdout, done.stderr

    assert subprocess.run([sys.executable, "-c", KILLED, str(root)]).returncode == -9
    code, said, errors = examine()
    assert (code, errors) == (1, "")
    assert len(said.splitlines()) == 3
    code, said, _ = examine("--repair")
    assert code == 1  # a trial waits in a file for the next start
    assert said.count("Repaired: ") == 2
    run = MlflowTracker(root=root)
    run.start(tracked())
    run.finish("killed", [])
    code, said, _ = examine()
    assert code == 0
    assert said.endswith("is healthy.\n")
    code, said, _ = examine()
    assert (code, len(said.splitlines())) == (0, 1)
    assert examine("--tracking-uri", "foo://x")[0] == 2
    assert "There is no store at" in examine("--tracking-uri", f"sqlite:///{root}/none.db")[1]
    assert not (root / "none.db").exists()


def test_spool_files_that_a_kill_left_without_a_trial_to_record_are_removed(root: Path, tracker: MlflowTracker) -> None:
    run_study(tracker)
    file = tracker.store.spool_file("sample")
    file.touch()
    assert findings(root, repair=True) == [f"{str(file)!r} is empty: a process was killed. With --repair: it is removed."]
    assert not file.exists()
    kept = Spool([file], tracker._open().run_id, tracked())
    kept.add(plain(0))
    assert findings(root, repair=True) == [f"{str(file)!r} holds only trials that the store has. With --repair: it is removed."]
    assert not file.exists()
    assert findings(root) == []


@pytest.fixture
def claimed(root: Path, tracker: MlflowTracker, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the run of a study that a silent process on another machine left running, as on a server."""
    monkeypatch.setenv("HPSEARCH_HEARTBEAT_SECONDS", "0.05")
    monkeypatch.setenv("HPSEARCH_PATIENCE_SECONDS", "0.3")
    run_study(tracker)
    client, run_id = tracker.store.client, tracker._open().run_id
    owner = replace(Owner.of_this_process(0.05), host="elsewhere", place="another")
    make_claim(client, run_id, Claim(1, owner, ""))
    client.set_tag(run_id, f"{HEARTBEAT}1", "1 0")
    client.update_run(run_id, "RUNNING")
    return run_id


def test_a_study_that_another_machine_left_is_repaired_once_that_is_certain(root: Path, claimed: str) -> None:
    (said,) = findings(root, repair=True)
    assert "is marked as running, but no process runs it" in said
    assert findings(root) == []
    assert newest_claim(Store.open(None, root).client.get_run(claimed)).number == 2  # type: ignore[union-attr]


def test_a_study_that_another_machine_runs_is_not_repaired(
    root: Path, tracker: MlflowTracker, claimed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HPSEARCH_PATIENCE_SECONDS", "60")  # it ends at the first sign of life
    client, ended = tracker.store.client, Event()

    def live() -> None:
        count = 1
        while not ended.wait(0.02):
            count += 1
            client.set_tag(claimed, f"{HEARTBEAT}1", f"{count} 0")

    with ThreadPoolExecutor(1) as pool:
        pool.submit(live)
        try:
            done = run_command(root, "doctor", "--repair")
        finally:
            ended.set()
    assert done.returncode == 1
    assert "Not repaired: Study 'sample' is being run by elsewhere (process" in done.stdout
    assert client.get_run(claimed).info.status == "RUNNING"


def test_what_was_found_before_another_machine_went_on_is_not_repaired(
    root: Path, tracker: MlflowTracker, claimed: str
) -> None:
    for finding in doctor.examine(Store.open(None, root)):
        tracker.store.client.set_tag(claimed, f"{HEARTBEAT}1", ENDED)  # it has ended by itself meanwhile
        with pytest.raises(TrackingError, match="was run by another machine until just now"):
            doctor.repair(finding)
    assert tracker.store.client.get_run(claimed).info.status == "RUNNING"
