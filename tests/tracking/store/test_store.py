"""Unusable stores raise one sentence; two processes may open a store at once; a moved project is repaired."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from hpsearch.errors import TrackingError
from hpsearch.tracking import MlflowTracker, Store, project_root
from tests.tracking.sample import plain, text, tracked, trials

SUBPACKAGES = ("delivery", "doctor", "models", "pages", "runs", "store", "test_access")
OPEN = "import sys; from pathlib import Path; from hpsearch.tracking import Store; Store.open(None, Path(sys.argv[1])).client"


@pytest.mark.parametrize("mark", ["mlruns", "pyproject.toml", ".git"])
def test_the_root_is_the_nearest_marked_folder(tmp_path: Path, mark: str) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / mark).touch()
    (tmp_path / "a" / "b" / "study.py").touch()
    assert project_root(tmp_path / "a" / "b" / "study.py") == tmp_path / "a"


def test_without_a_mark_the_root_is_where_one_starts(tmp_path: Path) -> None:
    assert project_root(tmp_path) == tmp_path


def test_importing_the_package_loads_no_mlflow() -> None:
    code = "".join(f"import hpsearch.tracking.{name}; " for name in SUBPACKAGES)
    code += "import sys; sys.exit('mlflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.campaign
def test_two_processes_may_create_the_store_at_once(tmp_path: Path) -> None:
    both = [subprocess.Popen([sys.executable, "-c", OPEN, str(tmp_path)], stderr=subprocess.PIPE) for _ in range(2)]
    answers = [process.communicate(timeout=120)[1].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    assert answers == ["", ""]


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("event", "name", "cache"),
    [
        pytest.param("sqlite3.connect", "mlflow.db.draft", "new", id="before its tables are there"),
        pytest.param("os.remove", "mlflow.db.draft", "new", id="before its copy is checked"),
        pytest.param("os.rename", "mlflow.db.complete", "new", id="before it has its name"),
        pytest.param("os.rename", "mlflow.db.complete", None, id="copied from the user's cache"),
    ],
)
def test_a_kill_while_the_store_is_created_leaves_no_half_store(
    tmp_path: Path, event: str, name: str, cache: str | None
) -> None:
    """The process kills itself at a step of the creation, when the file of that name is there."""
    root = tmp_path / "project"
    root.mkdir()
    file = root / "mlruns" / name
    killer = f"""
import os, signal, sys

def kill_at_the_step(event, args):
    if event == {event!r} and str(args[0]).endswith({name!r}) and os.path.exists({str(file)!r}):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill_at_the_step)
"""
    environment = os.environ | ({} if cache is None else {"XDG_CACHE_HOME": str(tmp_path / cache)})
    Store.open(None, tmp_path / "first")  # from here on the user's cache has a database to copy
    process = subprocess.run([sys.executable, "-c", killer + OPEN, str(root)], env=environment)
    assert process.returncode == -signal.SIGKILL
    assert file.exists()
    assert not (root / "mlruns" / "mlflow.db").exists()
    Store.open(None, root)


def test_the_store_writes_ahead_and_skips_needless_flushes(store: Store) -> None:
    from sqlalchemy import create_engine, text

    assert store.database is not None
    with closing(sqlite3.connect(store.database)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    engines = (create_engine(store.uri), create_engine("sqlite://"))
    modes = []
    for engine in engines:
        with engine.connect() as connection:
            modes.append(connection.execute(text("PRAGMA synchronous")).scalar())
        engine.dispose()
    assert modes == [1, 2]


def test_a_file_in_place_of_mlruns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mlruns").touch()
    with pytest.raises(TrackingError, match=r"mlruns' cannot be written: .*\. Move what is in its place"):
        Store.open(None, tmp_path)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mlruns").mkdir(mode=0o500)
    try:
        (tmp_path / "mlruns" / "probe").touch()
    except OSError:
        with pytest.raises(TrackingError, match="cannot be written"):
            Store.open(None, tmp_path)
    else:
        pytest.skip("this user may write everywhere")


def test_a_file_that_is_no_database_is_refused(root: Path) -> None:
    (root / "mlruns" / "mlflow.db").write_bytes(b"no database at all " * 100)
    with pytest.raises(TrackingError, match=r"cannot be used: file is not a database\. Move the file away"):
        Store.open(None, root)


def test_a_damaged_database_is_refused(root: Path) -> None:
    path = root / "mlruns" / "mlflow.db"
    content = path.read_bytes()
    path.write_bytes(content[:8192] + b"\xff" * 200_000 + content[208_192:])
    with pytest.raises(TrackingError, match=r"mlflow.db' (is damaged|cannot be used)"):
        Store.open(None, root)


def test_the_schema_of_another_mlflow_is_refused(root: Path) -> None:
    with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'f4a9b2c7d1e6'")
    with pytest.raises(TrackingError, match=r"another version of MLflow \(schema f4a9b2c7d1e6\)\. Install that version"):
        Store.open(None, root)


@pytest.mark.parametrize("uri", ["mlruns", "file:///tmp/x", "ftp://host", "sqlite://", "sqlite:///:memory:"])
def test_what_is_no_store_is_refused(tmp_path: Path, uri: str) -> None:
    with pytest.raises(TrackingError, match="tracking URI must be"):
        Store.open(uri, tmp_path)


def test_a_database_that_cannot_be_reached_is_refused_without_showing_its_password(tmp_path: Path) -> None:
    with pytest.raises(TrackingError) as caught:
        Store.open("postgresql://me:secret@127.0.0.1:1/db", tmp_path)
    assert "secret" not in str(caught.value)


def test_an_unreachable_server_is_refused_at_once(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{probe.getsockname()[1]}"
    began = time.monotonic()
    with pytest.raises(TrackingError, match=r"cannot be reached: .*refused.*\. Start it, or check"):
        Store.open(uri, tmp_path)
    assert time.monotonic() - began < 5


def test_the_environment_names_the_store(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/mlruns/mlflow.db")
    assert Store.open(None, tmp_path).database == root / "mlruns" / "mlflow.db"


def test_a_study_runs_in_one_process_at_a_time(root: Path, tracker: MlflowTracker) -> None:
    tracker.start(tracked())
    code = (
        "import sys; from pathlib import Path; from hpsearch.tracking import MlflowTracker\n"
        "from tests.tracking.sample import tracked\nMlflowTracker(root=Path(sys.argv[1])).start(tracked())"
    )
    second = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True)
    assert "TrackingError: Study 'sample' is being run by another process. Wait" in second.stderr
    tracker.finish("finished", [])
    assert subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True).returncode == 0


@pytest.mark.parametrize("keep", [False, True], ids=["moved", "copied"])
def test_artifacts_of_a_moved_project_are_found(root: Path, tracker: MlflowTracker, keep: bool) -> None:
    tracker.start(tracked())
    tracker.record(trials()[0])
    tracker.finish("finished", [])
    new = root.with_name("else where")
    shutil.copytree(root, new)
    (original := root / "mlruns" / "artifacts" / "sample").rename(original if keep else root / "gone")
    moved = MlflowTracker(root=new)
    found = moved.find(tracked())
    assert found is not None
    assert text(found.trials) == text(trials()[:1])
    assert moved.notes == [
        f"The project folder has moved; the artifacts of 'sample' are now looked for in '{new / 'mlruns' / 'artifacts'}'."
    ]
    assert MlflowTracker(root=new).notes == []


def test_a_project_in_an_awkward_folder_works(tmp_path: Path) -> None:
    tracker = MlflowTracker(root=tmp_path / "a b'#\"é")
    tracker.start(tracked())
    tracker.record(plain(0))
    tracker.finish("finished", [])
    assert (tmp_path / "a b'#\"é" / "mlruns" / "artifacts" / "sample").is_dir()


def test_artifacts_on_a_database_server_have_a_path_that_it_can_hold(tmp_path: Path) -> None:
    """MLflow's column holds 200 characters, of which "/" + 32 + "/artifacts" are a run's own."""
    uri, name = "postgresql://host/db", "n" * 120
    location = Store.at(uri, tmp_path).artifact_location(name)
    assert location is not None
    assert len(location) + 43 <= 200
    assert Store.at(uri, tmp_path).artifact_location("short") == str(tmp_path.resolve() / "mlruns" / "artifacts" / "short")
    assert "n" * 20 in str(Store.at(None, tmp_path).artifact_location(name))
    deep = tmp_path / "/".join(["folder" * 5] * 6)
    with pytest.raises(TrackingError, match=r"The path of artifacts must be at most 157 characters, got .* shorter path"):
        Store.at(uri, deep).artifact_location(name)
