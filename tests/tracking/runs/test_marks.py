"""What stands beside the record, for people: derived axes, the mark of the best trial, the data; none of it is read back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch import Context, Float, Space, Study, data
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import TrackedStudy
from hpsearch.strategies import Random
from hpsearch.tracking import MlflowTracker, Store
from hpsearch.tracking.pages import links
from hpsearch.tracking.runs import catalog
from hpsearch.tracking.runs.trial_keys import BEST
from hpsearch.trial import Outcome, Status, Trial
from tests.tracking.sample import SPACE, plain, text, tracked, trials

AXES = Space(**{"rate": Float(1e-3, 10.0, log=True), "log10 rate": Float(0.0, 1.0), "a(b)": Float(1e-3, 1.0, log=True)})


def keep(tracker: MlflowTracker, study: TrackedStudy, asked: Sequence[Trial], status: str = "finished") -> None:
    tracker.start(study)
    for trial in asked:
        tracker.record(trial)
    tracker.finish(status, asked)


def marked(tracker: MlflowTracker) -> list[str]:
    study = tracker._open()
    return sorted(
        run.info.run_name
        for run in tracker.store.client.search_runs([study.parent.info.experiment_id], f"tags.`{BEST}` = 'true'")
    )


def noisy(params: dict[str, float], context: Context) -> float:
    return params["x"] ** 2 + context.rng.normal()


def test_log_scales_have_a_derived_param_that_is_not_read_back(tracker: MlflowTracker) -> None:
    """A user's own param of the same name keeps its name and its value."""
    params = {"rate": 0.01, "log10 rate": 0.5, "a(b)": 0.1}
    asked = [Trial(0, params, "all", Status.FINISHED, Outcome(1.0))]
    study = tracked("axes", space=AXES)
    keep(tracker, study, asked)
    stored = tracker.store.client.get_run(tracker._open().queue.runs[0]).data.params
    assert {key: stored[key] for key in ("rate", "log10 rate", "derived.log10 rate")} == {
        "rate": "0.01", "log10 rate": "0.5", "derived.log10 rate": "-2.0000",
    }  # fmt: skip
    assert len(stored) == 5
    found = MlflowTracker(store=tracker.store).find(study)
    assert found is not None
    assert text(found.trials) == text(asked)
    (row,) = catalog.trial_rows(tracker.store, catalog.summary(tracker.store, "axes"))
    assert sorted(row.params.values()) == ["0.01", "0.1", "0.5"]


def test_trials_read_under_another_space_hide_the_derived_params(tracker: MlflowTracker) -> None:
    keep(tracker, tracked(), trials()[:1])
    found = tracker.find(tracked(space=AXES))
    assert found is not None
    assert set(found.trials[0].params) == set(SPACE) & set(trials()[0].params)


def test_exactly_the_best_trial_is_marked_as_the_study_goes(root: Path, tracker: MlflowTracker) -> None:
    first = [
        replace(plain(0, 0.5), params={**plain(0).params, "n": 1}),
        replace(plain(1, 0.4), params={**plain(1).params, "n": 2}),
    ]
    keep(tracker, tracked(), first, "killed")
    assert marked(tracker) == ["trial 001"]
    later = MlflowTracker(root=root)
    better = replace(plain(2, 0.1), params={**plain(2).params, "n": 3})
    keep(later, tracked(), [better])
    assert marked(later) == ["trial 002"]


def test_a_mark_left_by_a_kill_is_taken_away(root: Path, tracker: MlflowTracker) -> None:
    asked = [replace(plain(n, 0.5 - n / 10), params={**plain(n).params, "n": n + 1}) for n in range(3)]
    keep(tracker, tracked(), asked, "killed")
    tracker.store.client.set_tag(tracker._open().queue.runs[0], BEST, "true")
    keep(MlflowTracker(root=root), tracked(), [])
    assert marked(tracker) == ["trial 002"]


def test_the_page_names_what_the_result_names(root: Path) -> None:
    """The rule is the study's own: here the mean over confirming runs, not the lowest single value."""
    study = Study("noisy", Space(x=Float(-1, 1)), noisy, Random(trials=8), confirm=3, confirm_replicates=3)
    tracker = MlflowTracker(root=root)
    result = study.run(jobs=1, backend="sequential", tracker=tracker, report=False)
    assert result.best.number != min(result.trials, key=lambda t: t.value).number
    run = tracker.store.client.get_run(tracker._open().run_id)
    assert run.info.run_name == f"best {result.chosen.mean:.4g} | noisy"
    assert f"± {result.chosen.standard_error:.2g} (mean ± standard error over 3 seeds)" in run.data.tags["mlflow.note.content"]
    assert marked(tracker) == [f"trial {result.best.number:03d}"]
    summary = catalog.summary(tracker.store, "noisy")
    assert summary.best_value == pytest.approx(result.chosen.mean)
    assert run.data.metrics["best_value"] == min(t.value for t in result.trials)


def test_the_data_are_recorded_once_without_a_row(root: Path) -> None:
    from hpsearch.tracking.store.client import connect

    study = Study("data", Space(learning_rate=Float(0.1, 1.0)), TrainNetwork(data.digits(), epochs=1), Random(trials=1))
    for trials_asked in (1, 2):
        tracker = MlflowTracker(root=root)
        replace(study, strategy=Random(trials=trials_asked)).run(jobs=1, backend="sequential", tracker=tracker, report=False)
    client = connect(Store.open(None, root).uri)
    inputs = client.get_run(tracker._open().run_id).inputs.dataset_inputs
    kept = {found.dataset.name: (found.dataset.digest, found.tags[0].value) for found in inputs}
    digits = data.digits()
    assert kept == {
        "digits training": (digits.train.checksum[:8], "training"),
        "digits validation": (digits.validation.checksum[:8], "validation"),
    }
    shape = json.loads({found.dataset.name: found.dataset.profile for found in inputs}["digits training"])
    assert shape["features_shape"] == [len(digits.train), 64]
    assert not client.get_run(tracker._open().queue.runs[0]).inputs.dataset_inputs


def test_tags_and_a_sentence_describe_a_trial(tracker: MlflowTracker) -> None:
    stopped = replace(plain(1), status=Status.STOPPED, error="cost was 3 at step 1", stage="fine-1", replicate=2)
    keep(tracker, tracked(), [plain(0), stopped])
    run = tracker.store.client.get_run(tracker._open().queue.runs[1])
    tags = run.data.tags
    assert run.info.status == "FINISHED"
    assert [tags[f"hpsearch.{name}"] for name in ("strategy", "stage", "replicate", "status")] == [
        "Random",
        "fine-1",
        "2",
        "stopped",
    ]
    assert tags["mlflow.note.content"].startswith("**Stopped**: cost was 3 at step 1  \nwith rate **0.3**")
    first = tracker.store.client.get_run(tracker._open().queue.runs[0]).data.tags["mlflow.note.content"]
    assert first.splitlines()[0] == "**Value 0.5**  "


def test_the_view_has_the_columns_that_matter_and_readable_axes() -> None:
    asked = [replace(plain(n), stage=stage) for n, stage in enumerate(("pre-flight: initial", "coarse", "fine"))]
    view = json.loads(links.view(tracked(), "r" * 32, asked))
    assert view["searchFilter"].endswith(" and tags.`hpsearch.stage` != 'pre-flight: initial'")
    assert view["selectedColumns"][0] == "metrics.`value`"
    assert [column for column in view["selectedColumns"] if column.startswith("tags")] == ["tags.`hpsearch.stage`"]
    charts = {chart["type"]: chart for chart in reversed(view["compareRunCharts"])}
    assert charts["SCATTER"]["xaxis"]["key"] == "log10 rate"
    assert "schedule.patience" not in charts["PARALLEL"]["selectedParams"]  # trials without it would not be drawn
    assert charts["BAR"]["deleted"]


def test_rate_and_decay_make_the_map() -> None:
    space = Space(momentum=Float(0, 1), l2=Float(1, 10, log=True), learning_rate=Float(0.1, 1, log=True))
    view = json.loads(links.view(tracked(space=space), "r" * 32, []))
    (contour,) = [chart for chart in view["compareRunCharts"] if chart["type"] == "CONTOUR"]
    assert [contour[axis]["key"] for axis in ("xaxis", "yaxis", "zaxis")] == ["log10 learning_rate", "log10 l2", "value"]


def test_a_store_that_refuses_the_view_still_has_the_page(tracker: MlflowTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    client, set_tag = tracker.store.client, tracker.store.client.set_experiment_tag

    def picky(experiment: str, key: str, value: str) -> None:
        if key.startswith(links.TAG):
            raise ValueError("no such tag here")
        set_tag(experiment, key, value)

    monkeypatch.setattr(client, "set_experiment_tag", picky)
    keep(tracker, tracked(), [plain(0)])
    note = client.get_run(tracker._open().run_id).data.tags["mlflow.note.content"]
    assert "viewStateShareKey" not in note
    assert "searchFilter=" in note
    assert "searchFilter=" in tracker.link()
