"""A damaged run costs its one trial, named; what others add to our runs costs nothing."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from mlflow.entities import Metric, Param, RunTag

from hpsearch import Choice, Float, Space, Stop, Study
from hpsearch.errors import TrackingError
from hpsearch.space import Params
from hpsearch.strategies import Grid
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker, MlflowTracker, Store
from hpsearch.tracking.doctor import examine
from hpsearch.tracking.runs import catalog
from hpsearch.tracking.runs.trial_decoding import declared_names
from hpsearch.trial import Outcome
from tests.command import run_command

SPACE = Space(x=Float(0.0, 1.0), kind=Choice("a", "b"), depth=Float(1.0, 2.0, when={"kind": "b"}))
CASES = {
    "hpsearch.number": None,
    "hpsearch.status": None,
    "hpsearch.stage": None,
    "hpsearch.minimised": None,
    "hpsearch.history": "[",
    "hpsearch.metrics": '{"a": 1}',
    "hpsearch.replicate": "-1",
    "hpsearch.exact": "no",
}


def objective(params: Params, context: object) -> Outcome:
    return Outcome(params["x"] + params.get("depth", 0.0), {"loss": 0.5}, {"cost": ((0, 1.0), (1, params["x"]))})


def make_study(**settings: object) -> Study:
    return Study("damaged", SPACE, objective, Grid(points=2), **settings)  # type: ignore[arg-type]


def run(store: Store, study: Study) -> list[dict[str, object]]:
    tracker = MlflowTracker(store=store)
    return table(study.run(1, backend="sequential", tracker=tracker, report=False, model=False).trials)  # type: ignore[no-any-return]


def spoil(store: Store, tag: str, value: str | None, number: int = 1) -> str:
    """Change a tag of a trial's run, or delete it, and return the run's id."""
    rows = catalog.trial_rows(store, catalog.summary(store, "damaged"))
    run_id = rows[number].run_id
    if value is None:
        store.client.delete_tag(run_id, tag)
    else:
        store.client.set_tag(run_id, tag, value)
    return run_id


@pytest.mark.parametrize("stop", [None, Stop(trials=5)])
@pytest.mark.parametrize(("tag", "value"), CASES.items())
def test_a_damaged_tag_costs_one_trial_which_is_named_and_run_again(
    store: Store, caplog: pytest.LogCaptureFixture, tag: str, value: str | None, stop: Stop | None
) -> None:
    study = make_study(stop=stop)
    whole = run(store, study)
    run_id = spoil(store, tag, value)
    said = f"Trial 1 of 'damaged' cannot be read: tag '{tag}' of run {run_id} is "
    summary = catalog.summary(store, "damaged")
    assert [line.startswith(said) for line in summary.damaged] == [True]
    assert [row.number for row in catalog.trial_rows(store, summary)] == [n for n in range(len(whole)) if n != 1]
    (finding,) = examine(store)
    assert f"Study 'damaged' has trial 1 that cannot be read: tag '{tag}' of run {run_id}" in str(finding)
    with caplog.at_level(logging.WARNING):
        found = study.result(MlflowTracker(store=store))
    assert len(found.trials) == len(whole) - 1
    assert [record.message.startswith(said) for record in caplog.records] == [True]
    assert run(store, study) == whole
    assert catalog.summary(store, "damaged").damaged == ()
    assert list(examine(store)) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("DELETE FROM params WHERE key = 'x' AND {mine}", "param 'x' of run {run} is missing"),
        (
            "UPDATE params SET value = 'far' WHERE key = 'x' AND {mine}",
            "param 'x' of run {run} is damaged, it holds 'far'",
        ),
        (
            "DELETE FROM latest_metrics WHERE key = 'result/loss' AND {mine}",
            "metric 'result/loss' of run {run} is missing",
        ),
    ],
)
def test_a_lost_param_or_metric_costs_one_trial_too(
    store: Store, caplog: pytest.LogCaptureFixture, change: str, what: str
) -> None:
    study = make_study()
    whole = run(store, study)
    run_id = catalog.trial_rows(store, catalog.summary(store, "damaged"))[1].run_id
    assert store.database is not None
    with closing(sqlite3.connect(store.database, timeout=20)) as connection, connection:
        connection.execute(change.format(mine=f"run_uuid = '{run_id}'"))
    said = f"Trial 1 of 'damaged' cannot be read: {what.format(run=run_id)}. The next start runs it again."
    with caplog.at_level(logging.WARNING):
        assert len(study.result(MlflowTracker(store=store)).trials) == len(whole) - 1
    assert [record.message for record in caplog.records] == [said]
    assert run(store, study) == whole
    caplog.clear()
    assert table(study.result(MlflowTracker(store=store)).trials) == whole
    assert caplog.records == []


def test_what_others_log_to_our_runs_changes_nothing(store: Store) -> None:
    """Params of unknown names, of a parameter that the trial does not have, metrics and tags; the trials say what is right."""
    study = make_study()
    before = run(store, study)
    seconds = [trial.seconds for trial in study.result(MlflowTracker(store=store)).trials]
    summary = catalog.summary(store, "damaged")
    rows = catalog.trial_rows(store, summary)
    for run_id in (summary.run_id, *(row.run_id for row in rows)):
        lacks_depth = not any(row.run_id == run_id and "depth" in row.params for row in rows)
        params = [Param("note", "checked"), Param("x.note", "1"), *[Param("depth", "1.5")] * lacks_depth]
        names = ("accuracy", "value", "result/loss", "result/seconds", "curve/cost")
        metrics = [Metric(name, -9.0, 1, step) for name in names for step in (0, 1, 9)]
        store.client.log_batch(run_id, metrics, params, [RunTag("team", "vision"), RunTag("hpsearch-like", "1")])
        store.client.set_terminated(run_id, "KILLED")  # as a notebook that was interrupted leaves it
    found = study.result(MlflowTracker(store=store))
    assert table(found.trials) == before
    assert [trial.seconds for trial in found.trials] == seconds
    assert run(store, study) == before
    assert catalog.summary(store, "damaged").best_value == min(row.value for row in rows)
    assert [row.value for row in catalog.trial_rows(store, summary)] == [row.value for row in rows]
    assert all("note" not in row.params for row in catalog.trial_rows(store, summary))


@pytest.mark.parametrize("value", [None, "{", "[1]"])
def test_a_damaged_identity_is_one_sentence(put_store: Callable[[Path], Path], tmp_path: Path, value: str | None) -> None:
    store = Store.open(None, put_store(tmp_path))
    run(store, make_study())
    run_id = catalog.summary(store, "damaged").run_id
    if value is None:
        store.client.delete_tag(run_id, "hpsearch.identity")
    else:
        store.client.set_tag(run_id, "hpsearch.identity", value)
    said = rf"^Tag 'hpsearch.identity' of run {run_id} is .*, so study 'damaged' cannot be compared with its record\. Give it"
    with pytest.raises(TrackingError, match=said):
        run(store, make_study())
    assert f"Tag 'hpsearch.identity' of run {run_id} is" in run_command(tmp_path, "list").stdout
    assert f"Tag 'hpsearch.identity' of run {run_id} is" in run_command(tmp_path, "show", "damaged").stdout
    assert f"Tag 'hpsearch.identity' of run {run_id} is" in run_command(tmp_path, "doctor").stdout
    study = make_study()
    again = study.run(1, backend="sequential", tracker=MlflowTracker(store=store), fresh=True, report=False, model=False)
    assert table(again.trials) == table(study.run(1, backend="sequential", tracker=MemoryTracker()).trials)


@pytest.mark.parametrize(
    ("space", "names"),
    [
        (SPACE, ["x", "kind", "depth"]),
        (Space(**{"a(b)": Float(0, 1), "log10 rate": Choice("x, y=(", "it's", 'say "a"', "\\")}), ["a(b)", "log10 rate"]),
        (Space(c=Choice((1, 2), None, frozenset({3}))), ["c"]),
    ],
)
def test_the_names_of_a_space_are_read_from_its_repr(space: Space, names: list[str]) -> None:
    assert declared_names(repr(space)) == names
    assert declared_names("") is None
