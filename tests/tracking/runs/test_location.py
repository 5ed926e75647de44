"""A study is found by its own runs: in an experiment of others, beside another study, under a new name of its experiment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hpsearch.errors import StudyError
from hpsearch.tracking import MlflowTracker, Store
from hpsearch.tracking.runs import catalog, deletion, location
from tests.command import run_command
from tests.tracking.sample import plain, tracked

NOTE = "mlflow.note.content"


def run(store: Store, name: str, count: int = 1) -> str:
    """Run a study, and return the name of its experiment."""
    tracker, study = MlflowTracker(store=store), tracked(name)
    tracker.find(study)
    tracker.start(study)
    for number in range(count):
        tracker.record(plain(number))
    tracker.finish("finished", [])
    return str(store.client.get_experiment(catalog.summary(store, name).experiment_id).name)


def listed(store: Store) -> dict[str, int]:
    return {study.name: study.trials for study in catalog.studies(store)}


def test_a_study_in_an_experiment_of_others_is_listed_and_shown(root: Path, store: Store) -> None:
    theirs = store.client.create_experiment("team", str(root / "theirs"), tags={NOTE: "ours, do not touch"})
    store.client.create_run(theirs)
    assert run(store, "team", count=2) == "team"
    assert listed(store) == {"team": 2}
    assert "team" in run_command(root, "list").stdout
    assert "trials: 2 finished" in run_command(root, "show", "team").stdout
    assert {key: text for key, text in store.client.get_experiment(theirs).tags.items() if "hpsearch" not in key} == {
        NOTE: "ours, do not touch"
    }
    asked = run_command(root, "delete", "team", answer="n\n").stdout
    assert asked.startswith(
        "Delete study 'team': 3 runs and all their artifacts (and leave 1 run of others in experiment 'team')?"
    )
    deletion.delete_study(store, "team")
    assert store.client.get_experiment(theirs).lifecycle_stage == "active"
    assert listed(store) == {}
    with pytest.raises(StudyError, match="No study 'team' is recorded"):
        deletion.read_contents(store, "team")


def test_a_renamed_experiment_still_holds_its_study_and_may_hold_another(store: Store) -> None:
    assert run(store, "a", count=2) == "a"
    number = catalog.summary(store, "a").experiment_id
    store.client.rename_experiment(number, "b")
    assert listed(store) == {"a": 2}
    assert run(store, "a", count=2) == "b"
    assert run(store, "b") == "b"
    assert listed(store) == {"a": 2, "b": 1}
    deletion.delete_study(store, "b")
    assert listed(store) == {"a": 2}
    deletion.delete_study(store, "a")
    assert store.client.get_experiment_by_name("b") is None


def test_registered_models_and_those_of_others_stay(store: Store) -> None:
    run(store, "kept")
    summary = catalog.summary(store, "kept")
    (row,) = catalog.trial_rows(store, summary)
    for tag in ("kept", "kept", "other"):
        store.client.create_logged_model(summary.experiment_id, "m", row.run_id, {"hpsearch.study": tag})
    found = store.client.search_logged_models([summary.experiment_id])
    registered = next(model for model in found if model.tags["hpsearch.study"] == "kept")
    store.client.create_registered_model("shown")
    store.client.create_model_version("shown", registered.artifact_location, row.run_id, model_id=registered.model_id)
    contents = deletion.read_contents(store, "kept")
    assert {contents.registered, contents.others, len(contents.models)} == {1}
    said = deletion.delete_study(store, "kept")
    assert said.endswith("1 registered model in experiment 'kept' stays.")
    left = {model.model_id for model in store.client.search_logged_models([summary.experiment_id])}
    assert registered.model_id in left
    assert len(left) == 2


def test_two_that_make_an_experiment_at_once_share_it(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        for number in range(5):
            made = set(pool.map(lambda _, name=f"at once {number}": location.ensure_experiment(store, name), range(4)))
            assert len(made) == 1
