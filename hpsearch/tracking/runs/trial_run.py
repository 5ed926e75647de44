"""The MLflow run of a trial: its tags, params, metrics, files and description."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hpsearch.analysis import diagnosis
from hpsearch.ports import StudyRecord, TrackedStudy
from hpsearch.space import Space
from hpsearch.tracking.runs import markup, trial_times
from hpsearch.tracking.runs.trial_keys import (
    DERIVED,
    SECONDS,
    TRACEBACK,
    axes,
    file_paths,
    metric_keys,
    numbered_name,
    param_keys,
)
from hpsearch.tracking.store import names
from hpsearch.tracking.store.names import pack_text, unpack_text
from hpsearch.trial import Outcome, Params, Status, Trial, flip_sign, format_value
from hpsearch.trial.formatting import describe_marks


@dataclass(frozen=True)
class Content:
    """Everything one run holds: short texts, params as text, metric points, files."""

    tags: Mapping[str, str]
    params: Mapping[str, str]
    points: list[Point]
    files: Mapping[str, bytes]
    start: int
    end: int
    ok: bool


def encode(trial: Trial, study: TrackedStudy) -> Content:
    """Return the content of the run of a trial; `hpsearch.tracking.runs.trial_decoding.decode` is the inverse."""
    derived = _derived(trial.params, study.space)
    points = _points(trial, study.record.maximize)
    start = round(trial.started * 1000)
    return Content(
        tags=tags(trial, study.record, list(derived)) | encode_floats(points) | _long_params(study.space.text(trial.params)),
        params=params_of(trial, study.space),
        points=points,
        files=_files(trial),
        start=start,
        end=start + round(trial.seconds * 1000),
        ok=trial.status in (Status.FINISHED, Status.STOPPED),
    )


def params_of(trial: Trial, space: Space) -> dict[str, str]:
    """Return the params of a trial as MLflow keeps them, derived ones included."""
    texts = space.text(trial.params)
    keys = param_keys(texts)
    return {keys[name]: names.fit_text(text) for name, text in texts.items()} | _derived(trial.params, space)


def _points(trial: Trial, maximize: bool) -> list[Point]:
    """Return every metric point: seconds, value, final metrics, curves."""
    outcome = trial.outcome or Outcome(math.nan)
    of_curves, of_metrics = metric_keys(outcome.history, outcome.metrics)
    points = [(SECONDS, 0, float(trial.seconds))]
    if math.isfinite(outcome.value):
        points.append(("value", 0, flip_sign(float(outcome.value), maximize)))
    points += [(of_metrics[name], 0, float(value)) for name, value in outcome.metrics.items()]
    points += [(of_curves[name], step, float(v)) for name, curve in outcome.history.items() for step, v in curve]
    return points


def _derived(params: Params, space: Space) -> dict[str, str]:
    """Return the derived params of a trial, rounded: they are for charts only."""
    return {key: f"{math.log10(params[name]):.4f}" for name, key in axes(space).items() if params.get(name, 0) > 0}


def tags(trial: Trial, record: StudyRecord, derived: Sequence[str] = ()) -> dict[str, str]:
    """Return the tags of a trial's run: what people filter by, what decoding needs, and the description."""
    texts = {
        "hpsearch.kind": "trial",
        "hpsearch.number": str(trial.number),
        "hpsearch.strategy": record.identity.get("strategy", "").partition("(")[0] or None,
        "hpsearch.stage": trial.stage,
        "hpsearch.status": trial.status.value,
        "hpsearch.replicate": str(trial.replicate),
        "hpsearch.budget": None if trial.budget is None else str(trial.budget),
        "hpsearch.continues": None if trial.continues is None else str(trial.continues),
        "hpsearch.resumed_step": None if trial.resumed_step is None else str(trial.resumed_step),
        "hpsearch.attempt": None if trial.attempt == 1 else str(trial.attempt),
        "hpsearch.machine": trial.machine,
        "hpsearch.seed": record.identity.get("seed"),
        "hpsearch.error": trial.error,
        "hpsearch.diagnosis": diagnosis.label_of(trial),
        DERIVED: json.dumps(derived) if derived else None,
        "mlflow.note.content": description(trial, record),
    }
    if trial.outcome is not None:
        texts |= {
            "hpsearch.minimised": repr(float(trial.outcome.value)),
            "hpsearch.history": json.dumps(list(trial.outcome.history)),
            "hpsearch.metrics": json.dumps(list(trial.outcome.metrics)),
            "hpsearch.files": json.dumps(list(trial.outcome.artifacts)) if trial.outcome.artifacts else None,
            trial_times.TAG: trial_times.pack(trial.outcome.times) if trial.outcome.times else None,
        }
    return {k: v for name, text in texts.items() if text is not None for k, v in names.pack_text(name, text).items()}


def tags_of_running(trial: Trial, record: StudyRecord) -> dict[str, str]:
    """Return the tags of the run of a trial that has not ended: what people filter by, and the description."""
    texts = {
        "hpsearch.kind": "trial",
        "hpsearch.number": str(trial.number),
        "hpsearch.stage": trial.stage,
        "mlflow.note.content": f"**Running**  \n{_setting(trial)}",
    }
    return {k: v for name, text in texts.items() for k, v in names.pack_text(name, text).items()}


def description(trial: Trial, record: StudyRecord) -> str:
    """Return the text at the top of a trial's page: its result, or why there is none, and its params."""
    what = markup.plain(record.measure, 60)
    if trial.status is Status.FINISHED:
        first = f"**{what[:1].upper()}{what[1:]} {format_value(flip_sign(trial.value, record.maximize))}**"
    else:
        first = f"**{trial.status.value.capitalize()}**: {markup.plain(trial.error or 'no reason is known', 300)}"
    return f"{first}  \n{_setting(trial)}"


def _setting(trial: Trial) -> str:
    place = f"stage {markup.plain(trial.stage or 'without a name', 40)}"
    place += f", seed {trial.replicate}" if trial.replicate else ""
    place += f", going on with {numbered_name(trial.continues)}" if trial.continues is not None else ""
    marks = describe_marks(trial.resumed_step, trial.attempt, trial.continues)
    place += f", {marks}" if marks else ""
    place += f", on another kind of machine ({markup.plain(trial.machine, 200)})" if trial.machine else ""
    return f"with {markup.settings(trial.params)}  \n{place}"


def _long_params(texts: Mapping[str, str]) -> dict[str, str]:
    """Return tags for the texts of params that are longer than MLflow keeps."""
    cut = {name: text for name, text in texts.items() if names.fit_text(text) != text}
    return names.pack_text("hpsearch.long_params", json.dumps(cut)) if cut else {}


def _files(trial: Trial) -> dict[str, bytes]:
    artifacts = trial.outcome.artifacts if trial.outcome else {}
    files = {path: artifacts[name] for name, path in file_paths(artifacts).items()}
    if trial.traceback:
        files[TRACEBACK] = names.clean_text(trial.traceback).encode()
    return files


TAG = "hpsearch.exact"
# (key, step, value)
Point = tuple[str, int, float]
Exact = Mapping[tuple[str, int], float]


def encode_floats(points: Iterable[Point]) -> dict[str, str]:
    """Return the tags that keep what SQLite or MLflow would alter: -0.0, and the largest float, which stands for infinity."""
    odd = [[key, step, repr(value)] for key, step, value in points if _is_altered(value)]
    return pack_text(TAG, json.dumps(odd)) if odd else {}


def _is_altered(value: float) -> bool:
    return abs(value) == sys.float_info.max or (value == 0 and math.copysign(1.0, value) < 0)


def decode_floats(tags: Mapping[str, str]) -> Exact:
    """Return the values that `encode_floats` kept, by key and step."""
    text = unpack_text(tags, TAG)
    return {(key, step): float(value) for key, step, value in json.loads(text)} if text else {}


def restore_float(point: Point, exact: Exact) -> float:
    """Return a stored value as it was before MLflow stored it.

    >>> restore_float(("loss", 0, -1.7976931348623157e308), {})
    -inf
    """
    key, step, value = point
    if (key, step) in exact:
        return exact[key, step]
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value
