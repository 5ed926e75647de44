"""What people see in MLflow: runs with speaking names, a note that explains the study, links that open its table."""

from __future__ import annotations

import json
import socket
import sqlite3
import urllib.parse
import urllib.request
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from hpsearch.errors import StudyError, TrackingError
from hpsearch.tracking import MlflowTracker, Store
from hpsearch.tracking.pages import links
from hpsearch.tracking.runs import catalog, deletion
from hpsearch.tracking.store.server import serve
from tests.tracking.sample import plain, record, text, tracked, trials


@pytest.fixture
def done(tracker: MlflowTracker) -> MlflowTracker:
    """Return a tracker with a finished study of awkward trials."""
    tracker.start(tracked("mnist-random", source=str(tracker.store.root / "studies" / "mnist_random.py"), tags={"mine": "yes"}))
    for trial in trials():
        tracker.record(trial)
    tracker.finish("finished", trials())
    return tracker


def test_the_study_run_speaks(done: MlflowTracker) -> None:
    run = done.store.client.get_run(done._open().run_id)
    # Trials 0 and 1234 are two runs of one setting: 1/3 and 0 have mean 1/6 and standard error 1/6.
    assert run.info.run_name == "best 0.1667 | mnist-random"
    assert run.info.status == "FINISHED"
    error = pytest.approx(1 / 6)
    assert run.data.metrics == {"best_value": 0.0, "trials_done": 5.0, "chosen_value": error, "chosen_value_error": error}
    tags = run.data.tags
    assert tags["mine"] == "yes"
    assert tags["hpsearch.source"] == "studies/mnist_random.py"
    assert tags["hpsearch.name"] == "mnist-random"
    assert tags["mlflow.source.git.commit"] == record().facts["git_commit"]


def test_a_trial_run_speaks(done: MlflowTracker) -> None:
    client, study = done.store.client, done._open()
    run = client.get_run(study.queue.runs[0])
    assert (run.info.run_name, run.info.status) == ("trial 000", "FINISHED")
    assert (run.info.start_time, run.info.end_time) == (1_700_000_000_123, 1_700_000_001_358)
    assert run.data.tags["mlflow.parentRunId"] == study.run_id
    assert run.data.metrics["value"] == pytest.approx(1 / 3)
    assert run.data.params["rate"] == "0.30000000000000004"


def test_a_failed_trial_shows_its_traceback(done: MlflowTracker) -> None:
    client, study = done.store.client, done._open()
    run = client.get_run(study.queue.runs[1])
    assert (run.info.status, run.data.tags["hpsearch.status"]) == ("FAILED", "failed")
    assert "traceback.txt" in {file.path for file in client.list_artifacts(study.queue.runs[1])}


def test_the_note_leads_from_the_result_to_the_trials(done: MlflowTracker) -> None:
    study = done._open()
    page = done.store.client.get_run(study.run_id).data.tags["mlflow.note.content"]
    address = f"#/experiments/{study.parent.info.experiment_id}/runs/{study.queue.runs[0]}?workflowType=machine_learning"
    result = "0.1667 ± 0.17 (mean ± standard error over 2 seeds)"
    assert page.splitlines()[0] == f"**Best value {result} in [trial 000]({address}) (5 trials, finished).**  "
    space = ("| rate | 0.001 to 10 | log | always |", "schedule is Halve")
    for expected in ("Is it kept?", *space, "2 finished", "numpy 2.4", "commit 0123456789ab"):
        assert expected in page.replace("&emsp;", "")
    assert len(page) <= 8000


def test_the_link_opens_the_study_best_first(done: MlflowTracker) -> None:
    study = done._open()
    key = links.view_key(study.run_id)
    assert done.link().endswith(f"/runs?workflowType=machine_learning&viewStateShareKey={key}")
    found = done.store.client.get_experiment(study.parent.info.experiment_id)
    view = json.loads(found.tags[links.TAG + key])
    assert view["orderByKey"] == "metrics.`value`"
    assert {"metrics.`value`", "params.`rate`", "tags.`hpsearch.stage`"} <= set(view["selectedColumns"])
    shown = [chart["type"] for chart in view["compareRunCharts"] if not chart["deleted"]]
    assert shown == ["PARALLEL", "CONTOUR", *["SCATTER"] * 3, *["LINE"] * 4]
    assert len(found.tags[links.TAG + key]) < 20_000


def test_without_a_view_the_link_filters_by_itself() -> None:
    link = links.study_link("3", "abc", "http://h:1/", shared=False, maximize=True)
    query = urllib.parse.parse_qs(link.partition("?")[2])
    assert link.startswith("http://h:1/#/experiments/3/runs?")
    assert query["orderByAsc"] == ["false"]
    assert "mlflow.parentRunId` = 'abc'" in query["searchFilter"][0]


def test_scores_on_the_test_part_are_kept_and_change_no_trial(done: MlflowTracker) -> None:
    study, trial = record("mnist-random"), trials()[0]
    for count in (1, 2):
        assert done.opening(study, trial) == count
        done.tested(study, trial, {"accuracy": 0.9 + count / 100, "test_error": 0.1})
    run = done.store.client.get_run(done._open().run_id)
    assert run.data.metrics["test_accuracy"] == 0.92
    assert run.data.tags["hpsearch.test_openings"] == "2"
    found = done.find(tracked("mnist-random"))
    assert found is not None
    assert text(found.trials) == text(trials())


def test_an_unrecorded_study_cannot_be_tested(tracker: MlflowTracker) -> None:
    with pytest.raises(TrackingError, match=r"'sample' was not opened by this tracker. Call find\(\) or start\(\) first"):
        tracker.opening(record(), plain(0))
    assert tracker.find(tracked()) is None
    with pytest.raises(TrackingError, match=r"'sample' is not recorded in .* Run it first"):
        tracker.opening(record(), plain(0))


def test_the_catalog_lists_studies_and_trials(done: MlflowTracker) -> None:
    (summary,) = catalog.studies(done.store)
    assert (summary.name, summary.status, summary.trials, summary.best_value) == ("mnist-random", "finished", 5, 1 / 6)
    assert dict(summary.counts) == {"finished": 2, "failed": 1, "diverged": 1, "died": 1}
    assert (summary.strategy, summary.source) == ("Random(trials=8)", "studies/mnist_random.py")
    rows = catalog.trial_rows(done.store, summary)
    assert [row.number for row in rows] == [0, 1, 2, 3, 1234]
    assert rows[1].error is not None
    assert rows[0].params["hidden"] == "(100, 50)"


def test_an_unknown_study_is_answered_with_the_closest_name(done: MlflowTracker) -> None:
    with pytest.raises(StudyError, match=r"No study 'mnist-randm' is recorded .* Did you mean 'mnist-random'\?"):
        catalog.summary(done.store, "mnist-randm")


def test_a_running_study_is_told_from_an_interrupted_one(tracker: MlflowTracker) -> None:
    tracker.start(tracked())
    assert catalog.summary(tracker.store, "sample").status == "running"
    tracker._open().lock.release()  # type: ignore[union-attr]
    assert catalog.summary(tracker.store, "sample").status == "interrupted"


def test_a_deleted_study_is_gone_with_its_earlier_starts(done: MlflowTracker, store: Store) -> None:
    done.start(tracked("mnist-random"), fresh=True)
    done.record(plain(0))
    done.finish("finished", [])
    answer = deletion.delete_study(store, "mnist-random")
    assert answer.startswith("Study 'mnist-random' is deleted: 8 runs and ")
    assert not (store.artifacts / "mnist-random").exists()
    assert done.find(tracked("mnist-random")) is None
    assert catalog.studies(store) == []
    done.start(tracked("mnist-random"))
    done.finish("finished", [])


def test_deleting_touches_no_files_of_another_project(done: MlflowTracker, store: Store, tmp_path: Path) -> None:
    other = tmp_path / "original" / "mlruns" / "artifacts" / "mnist-random"
    other.mkdir(parents=True)
    (other / "precious").touch()
    with closing(sqlite3.connect(store.database)) as connection, connection:
        connection.execute("UPDATE experiments SET artifact_location = ?", (str(other),))
    assert "lie outside this store" in deletion.delete_study(store, "mnist-random")
    assert (other / "precious").exists()


def test_a_study_that_runs_is_not_deleted(tracker: MlflowTracker) -> None:
    tracker.start(tracked())
    with pytest.raises(TrackingError, match="is being run by another process"):
        deletion.delete_study(tracker.store, "sample")


@pytest.mark.campaign
def test_the_server_shows_the_store_on_this_machine_only(done: MlflowTracker, store: Store) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    study = done._open()
    with serve(store, port) as server:
        process = psutil.Process(server.process.pid)  # type: ignore[union-attr]
        family = [process, *process.children(recursive=True)]
        assert sum(member.memory_full_info().pss for member in family) < 600e6
        assert {c.laddr.ip for member in family for c in member.net_connections() if c.status == "LISTEN"} == {"127.0.0.1"}
        page = f"{server.url}/get-artifact?path=traceback.txt&run_uuid={study.queue.runs[1]}"
        assert urllib.request.urlopen(page).read().startswith(b"Traceback")
        with pytest.raises(TrackingError, match=f"Port {port} cannot be used: .*--port {port + 1}"), serve(store, port):
            pass
        remote = Store.open(server.url, store.root)
        assert "keeps it as the deleted experiment" in deletion.delete_study(remote, "mnist-random")
    assert not any(member.is_running() for member in family)


@pytest.mark.parametrize("port", [0, -1, 70000])
def test_a_port_out_of_range_is_refused(store: Store, port: int) -> None:
    with pytest.raises(TrackingError, match=r"The port must be a whole number in \[1, 65535\]"), serve(store, port):
        pass
