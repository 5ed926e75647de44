"""A store of an earlier version, under this one: listed, shown, resumed, extended, reported on.

`tests/fixtures/store.sql.xz` was written before the package was put in order, `store.jsonl` is what the same commit made of the
same studies when nothing disturbed it: see `tests/fixtures/write_store.py`. Those texts are the expectations here. What is read
back is compared by the byte; trials that networks are trained for anew, by 1e-5, as another machine may round differently.
A saved network of the same time is kept as `tests/nn/network-2.npz`: see `tests/nn/test_storage.py`.
"""

from __future__ import annotations

import json
import lzma
import re
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hpsearch.cli import app
from hpsearch.errors import StudyError
from hpsearch.tracking import MlflowTracker
from tests.fixtures import records
from tests.fixtures.write_store import ARTIFACTS, KILLED_AFTER, SOURCE, USER

DUMP = records.HERE / "store.sql.xz"
LINES = [json.loads(line) for line in (records.HERE / "store.jsonl").read_text().splitlines()]
EXPECTED = {name: {line["trial"]: line for line in LINES if line["study"] == name} for name in records.STUDIES}
# Trials in the dump: six random ones, those of the killed study, four and two and one of halving.
KEPT = {"old-random": 6, "old-staged": KILLED_AFTER, "old-halving": 7}


def upgrade(path: Path) -> None:
    """Run `mlflow db upgrade`, as the message on a store with an older schema says; it changes nothing in one of today's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setenv("DO_NOT_TRACK", "true")
        from mlflow.db import commands

        commands.main(["upgrade", f"sqlite:///{path.as_posix()}"], standalone_mode=False)


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the dump as a database of the installed MLflow's schema, its placeholders still in place."""
    path = tmp_path_factory.mktemp("old") / "mlflow.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(lzma.decompress(DUMP.read_bytes()).decode())
    upgrade(path)
    return path


@pytest.fixture
def project(tmp_path: Path, upgraded: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project folder with the studies' files and the store they were recorded in, as if it had been written here."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = records.new_project(tmp_path / "project")
    shutil.copy(upgraded, folder / "mlruns" / "mlflow.db")
    places = {ARTIFACTS: str(folder / "mlruns" / "artifacts"), SOURCE: str(folder)}
    with closing(sqlite3.connect(folder / "mlruns" / "mlflow.db")) as connection, connection:
        for place in places.items():
            connection.execute("UPDATE experiments SET artifact_location = replace(artifact_location, ?, ?)", place)
            connection.execute("UPDATE runs SET artifact_uri = replace(artifact_uri, ?, ?)", place)
    return folder


@pytest.fixture
def hpsearch(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., str]]:
    """Return the command line, run in the project's folder: what it prints where it ends well."""
    monkeypatch.chdir(project)
    monkeypatch.setenv("COLUMNS", "200")
    before = signal.getsignal(signal.SIGTERM)

    def command(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            app(list(arguments))
        said = capsys.readouterr()
        assert ended.value.code == 0, said.out + said.err
        return said.out

    yield command
    signal.signal(signal.SIGTERM, before)


def text(value: Any) -> str:
    """Return a text in which floats are equal where their bits are."""
    return json.dumps(value, sort_keys=True)


def rows(name: str, count: int | None = None) -> list[str]:
    """Return the first trials of a study as they were recorded."""
    return [text(line["row"]) for key, line in EXPECTED[name].items() if key != "study"][:count]


def best_number(name: str, count: int) -> int:
    """Return the trial of the lowest value among the first ones."""
    found = [line["row"] for key, line in EXPECTED[name].items() if key != "study"][:count]
    return int(min((row for row in found if row["status"] == "finished"), key=lambda row: row["value"])["number"])


def recorded(name: str, key: str) -> dict[str, Any]:
    """Return the run of a study or a trial as it was recorded."""
    line = EXPECTED[name][key]
    return {part: line[part] for part in ("run", "status", "tags", "params")}


def test_the_dump_is_small_and_holds_no_place_and_no_name() -> None:
    assert DUMP.stat().st_size < 300_000
    for content in (lzma.decompress(DUMP.read_bytes()).decode(), (records.HERE / "store.jsonl").read_text()):
        assert re.findall(r"/(?:tmp|root|home|Users|work|usr|var)\b", content) == []
    sql = lzma.decompress(DUMP.read_bytes()).decode()
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(sql)
        assert {user for (user,) in connection.execute("SELECT DISTINCT user_id FROM runs")} <= {"", USER}
        places = [place for (place,) in connection.execute("SELECT artifact_uri FROM runs")]
    assert [place for place in places if not place.startswith(f"{ARTIFACTS}/")] == []
    assert len(places) == sum(KEPT.values()) + len(KEPT)


def test_the_studies_are_listed_with_their_states(hpsearch: Callable[..., str]) -> None:
    listed = hpsearch("list")
    lines = {name: next(line for line in listed.splitlines() if name in line) for name in records.STUDIES}
    assert [name for name, line in lines.items() if "interrupted" in line] == ["old-staged"]
    assert [name for name, count in KEPT.items() if str(count) not in lines[name].split()] == []


@pytest.mark.parametrize("name", records.STUDIES)
def test_a_study_is_shown_with_its_best_trials(name: str, hpsearch: Callable[..., str]) -> None:
    shown = hpsearch("show", name)
    recorded = json.loads(EXPECTED[name]["study"]["tags"]["hpsearch.identity"])
    recorded["strategy"] = recorded["strategy"].replace("trials=9", "trials=6")
    assert [text for text in recorded.values() if text not in shown] == []
    first = re.search(r"^\s+(\d+)\s+-?\d", shown, re.MULTILINE)
    assert first is not None
    assert int(first[1]) == best_number(name, KEPT[name])


@pytest.mark.parametrize("name", ["old-random", "old-halving"])
def test_a_finished_study_is_taken_over_without_running_anything(name: str, project: Path) -> None:
    before = records.runs(project, name)
    result = records.run(project, name)
    after = records.runs(project, name)
    assert result.taken_over == len(result.trials) == KEPT[name]
    assert [text(records.row(trial)) for trial in result.trials] == rows(name, KEPT[name])
    assert {key: records.pinned(run) for key, run in after.items()} == {key: records.pinned(run) for key, run in before.items()}
    trials = [key for key in before if key != "study"]
    assert [after[key] for key in trials] == [before[key] for key in trials]


def test_the_command_line_goes_on_from_the_same_file(project: Path, hpsearch: Callable[..., str]) -> None:
    before = records.runs(project, "old-halving")
    ran = hpsearch("run", "old_halving.py", "--jobs", "1", "--no-report", "--no-model")
    assert "All 7 trials of old-halving" in ran
    after = records.runs(project, "old-halving")
    assert {key: after[key] for key in before if key != "study"} == {key: before[key] for key in before if key != "study"}
    assert records.pinned(after["study"]) == records.pinned(before["study"])


def test_a_larger_random_search_runs_the_new_trials_alone(project: Path) -> None:
    result = records.run(project, "old-random", extended=True)
    assert (result.taken_over, len(result.trials)) == (6, 9)
    assert [text(records.row(trial)) for trial in result.trials[:6]] == rows("old-random", 6)
    for trial in result.trials[6:]:
        new, expected = records.row(trial), EXPECTED["old-random"][str(trial.number)]["row"]
        for part in ("value", "metrics", "history"):
            close(new.pop(part), (expected := dict(expected)).pop(part))
        assert text(new) == text(expected)
    found = {key: records.pinned(run) for key, run in records.runs(project, "old-random").items()}
    for key, run in found.items():
        expected = recorded("old-random", key)
        if key != "study" and int(key) >= 6:
            close(float(run["tags"].pop("hpsearch.minimised")), float(expected["tags"].pop("hpsearch.minimised")))
        assert run == expected


def close(new: Any, expected: Any) -> None:
    """Compare numbers within 1e-5, and all else, such as names and steps, exactly."""
    if isinstance(expected, dict):
        assert list(new) == list(expected)
        for name, value in expected.items():
            close(new[name], value)
    elif isinstance(expected, list):
        for one, other in zip(new, expected, strict=True):
            close(one, other)
    else:
        assert new == pytest.approx(expected, rel=1e-5)


def test_a_killed_study_of_an_earlier_version_is_read_and_not_resumed(project: Path, hpsearch: Callable[..., str]) -> None:
    """Known: the rows as they were recorded; `Staged` proposes other trials since its version 2."""
    before = records.runs(project, "old-staged")
    assert before["study"]["status"] == "RUNNING"
    study, source = records.load(project, "old-staged"), records.file_of(project, "old-staged")
    read = study.result(MlflowTracker(root=project), source)
    assert [text(records.row(trial)) for trial in read.trials] == rows("old-staged", KILLED_AFTER)
    with pytest.raises(StudyError, match=r"Staged of another version \(version 1 then, Staged 2 now\): .* shown, reported"):
        records.run(project, "old-staged")
    assert {key: records.pinned(run) for key, run in records.runs(project, "old-staged").items()} == {
        key: records.pinned(run) for key, run in before.items()
    }
    hpsearch("report", "old-staged", "--out", "page.html")
    assert "planted failure" in (project / "page.html").read_text()


def test_the_records_hold_what_the_tests_are_about() -> None:
    """Failed trials before and after the kill, confirmations, continued trials, both schedules."""
    table = {name: [line["row"] for line in lines.values() if line["row"]] for name, lines in EXPECTED.items()}
    staged = table["old-staged"]
    for part in (staged[:KILLED_AFTER], staged[KILLED_AFTER:]):
        assert {row["status"] for row in part} == {"failed", "finished"}
    assert [row["stage"] for row in staged].count("confirm") == 4
    assert [(row["continues"], row["budget"]) for row in table["old-halving"]][4:] == [(3, 2), (2, 2), (5, 4)]
    assert {row["params"]["schedule"] for row in table["old-random"]} == {"Constant", "HalveOnPlateau"}
    assert all(row["history"] for rows in table.values() for row in rows if row["status"] == "finished")


def test_a_report_is_made(project: Path, hpsearch: Callable[..., str]) -> None:
    hpsearch("report", "old-random", "--out", "page.html")
    page = (project / "page.html").read_text()
    assert EXPECTED["old-random"]["study"]["tags"]["hpsearch.question"] in page
    row = EXPECTED["old-random"][str(best_number("old-random", 6))]["row"]
    assert f"{row['value']:.4g}" in page
    assert f"{row['params']['learning_rate']:.4g}" in page
