"""A trial as the content of an MLflow run, and back, bit by bit."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any

from hpsearch.analysis import diagnosis
from hpsearch.errors import SpaceError
from hpsearch.ports import StudyRecord
from hpsearch.space import Space
from hpsearch.tracking.runs import floats, markup
from hpsearch.tracking.runs.floats import Point
from hpsearch.tracking.runs.lazy import Lazy
from hpsearch.tracking.store import names
from hpsearch.trial import Curve, Outcome, Params, Status, Trial, flip_sign, format_value

if TYPE_CHECKING:
    from mlflow.entities import Run

RESULT = "result/"
SECONDS = RESULT + "seconds"
RESERVED = ("value", SECONDS)
TRACEBACK = "traceback.txt"
# The mark of the best trial, moved from run to run as the study goes.
BEST = "hpsearch.best"
DERIVED = "hpsearch.derived"


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


def run_name(trial: Trial) -> str:
    """Return the name of a trial's run; zero-padded, so that names sort as numbers do."""
    return _numbered(trial.number)


def _numbered(number: int) -> str:
    return f"trial {number:03d}"


def encode(trial: Trial, record: StudyRecord) -> Content:
    """Return the content of the run of a trial."""
    outcome = trial.outcome or Outcome(math.nan)
    curve_keys, metric_keys = _keys(list(outcome.history), list(outcome.metrics))
    points = [(SECONDS, 0, float(trial.seconds))]
    if math.isfinite(outcome.value):
        points.append(("value", 0, flip_sign(float(outcome.value), record.maximize)))
    points += [(metric_keys[name], 0, float(value)) for name, value in outcome.metrics.items()]
    points += [(curve_keys[name], step, float(v)) for name, curve in outcome.history.items() for step, v in curve]
    texts = record.space.text(trial.params)
    param_keys = names.keys(texts, set(), "param.")
    derived = _derived(trial.params, record.space)
    start = round(trial.started * 1000)
    return Content(
        tags=tags(trial, record, list(derived)) | floats.exceptions(points) | _long_params(texts),
        params={param_keys[name]: names.fitted(text) for name, text in texts.items()} | derived,
        points=points,
        files=_files(trial),
        start=start,
        end=start + round(trial.seconds * 1000),
        ok=trial.status in (Status.FINISHED, Status.STOPPED),
    )


def _keys(history: list[str], metrics: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the MLflow keys of curves and of final metrics; reading derives the same ones from the names."""
    # What stands before a slash is a section of its own in the UI: the curves come first, the final numbers below them.
    taken = set(RESERVED)
    return _prefixed("curve/", history, taken), _prefixed(RESULT, metrics, taken)


def _prefixed(prefix: str, wanted: list[str], taken: set[str]) -> dict[str, str]:
    chosen = names.keys([prefix + name for name in wanted], taken, prefix)
    return {name: chosen[prefix + name] for name in wanted}


def outcome_keys(trials: Iterable[Trial]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the MLflow keys of every curve and every final metric that some of the trials have, by name."""
    outcomes = [trial.outcome for trial in trials if trial.outcome is not None]
    history = dict.fromkeys(name for outcome in outcomes for name in outcome.history)
    metrics = dict.fromkeys(name for outcome in outcomes for name in outcome.metrics)
    return _keys(list(history), list(metrics))


def axes(space: Space) -> dict[str, str]:
    """Return the key of the derived param, the logarithm, of each parameter with a log scale.

    Charts have linear axes only, on which three decades are a heap at zero.
    """
    wanted = {name: f"log10 {name}" for name, domain in space.domains.items() if getattr(domain, "log", False)}
    taken = set(names.keys(space, set(), "param.").values())
    chosen = names.keys(wanted.values(), taken, "derived.")
    return {name: chosen[text] for name, text in wanted.items()}


def _derived(params: Params, space: Space) -> dict[str, str]:
    """Return the derived params of a trial; for reading only, and so rounded."""
    return {key: f"{math.log10(params[name]):.4f}" for name, key in axes(space).items() if params.get(name, 0) > 0}


def tags(trial: Trial, record: StudyRecord, derived: Sequence[str] = ()) -> dict[str, str]:
    """Return everything a trial's run is tagged with: what people filter by, what reading needs, and its description."""
    texts = {
        "hpsearch.kind": "trial",
        "hpsearch.number": str(trial.number),
        "hpsearch.strategy": record.identity.get("strategy", "").partition("(")[0] or None,
        "hpsearch.stage": trial.stage,
        "hpsearch.status": trial.status.value,
        "hpsearch.replicate": str(trial.replicate),
        "hpsearch.budget": None if trial.budget is None else str(trial.budget),
        "hpsearch.continues": None if trial.continues is None else str(trial.continues),
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
        }
    return {k: v for name, text in texts.items() if text is not None for k, v in names.packed(name, text).items()}


def description(trial: Trial, record: StudyRecord) -> str:
    """Return what the page of a trial says first: its result, or why there is none, and its params."""
    what = markup.plain(record.measure, 60)
    if trial.status is Status.FINISHED:
        first = f"**{what[:1].upper()}{what[1:]} {format_value(flip_sign(trial.value, record.maximize))}**"
    else:
        first = f"**{trial.status.value.capitalize()}**: {markup.plain(trial.error or 'no reason is known', 300)}"
    place = f"stage {markup.plain(trial.stage or 'without a name', 40)}"
    place += f", seed {trial.replicate}" if trial.replicate else ""
    place += f", going on with {_numbered(trial.continues)}" if trial.continues is not None else ""
    return f"{first}  \nwith {markup.settings(trial.params)}  \n{place}"


def _long_params(texts: Mapping[str, str]) -> dict[str, str]:
    """Return tags for the texts of params that are longer than MLflow keeps."""
    cut = {name: text for name, text in texts.items() if names.fitted(text) != text}
    return names.packed("hpsearch.long_params", json.dumps(cut)) if cut else {}


def _files(trial: Trial) -> dict[str, bytes]:
    artifacts = trial.outcome.artifacts if trial.outcome else {}
    files = {path: artifacts[name] for name, path in file_paths(artifacts).items()}
    if trial.traceback:
        files[TRACEBACK] = names.clean(trial.traceback).encode()
    return files


def file_paths(artifacts: Mapping[str, Any] | list[str]) -> dict[str, str]:
    """Return where each artifact lies under its run: its own name unless that would lead elsewhere."""
    paths = names.keys(artifacts, {TRACEBACK}, "file.")
    folders = {str(folder) for path in paths.values() for folder in PurePosixPath(path).parents}
    # No file can bear the name of a folder that another one lies in.
    paths = {name: f"{path}-{names.digest(path)}" if path in folders else path for name, path in paths.items()}
    # A changed name keeps its ending, by which the UI knows how to show it.
    return {name: path if path.endswith(name) else path + _ending(name) for name, path in paths.items()}


def _ending(name: str) -> str:
    return re.sub(r"[^.\w]", "", PurePath(name).suffix)


def decode(run: Run, record: StudyRecord, curve: Callable[[str], Curve], file: Callable[[str], bytes]) -> Trial:
    """Return the trial that a run holds.

    Args:
        run: a complete run that `encode` described.
        record: the study, whose space reads the params back.
        curve: fetches the stored points of a metric key.
        file: fetches an artifact by its path under the run.
    """
    tags = run.data.tags
    text = names.unpacked(tags, "hpsearch.minimised")
    return Trial(
        number=int(tags["hpsearch.number"]),
        params=_params(run, record),
        stage=names.unpacked(tags, "hpsearch.stage") or "",
        status=Status(tags["hpsearch.status"]),
        outcome=None if text is None else _outcome(float(text), run, curve, file),
        budget=_number(tags.get("hpsearch.budget")),
        continues=_number(tags.get("hpsearch.continues")),
        replicate=int(tags.get("hpsearch.replicate", 0)),
        error=names.unpacked(tags, "hpsearch.error"),
        started=(run.info.start_time or 0) / 1000,
        seconds=run.data.metrics.get(SECONDS, 0.0),
    )


def _outcome(value: float, run: Run, curve: Callable[[str], Curve], file: Callable[[str], bytes]) -> Outcome:
    tags = run.data.tags
    history, metrics, files = (_names(tags, f"hpsearch.{kind}") for kind in ("history", "metrics", "files"))
    curve_keys, metric_keys = _keys(history, metrics)
    exact = floats.read(tags)
    paths = file_paths(files)

    def fetch(name: str) -> Curve:
        key = curve_keys[name]
        return tuple((step, floats.restored((key, step, value), exact)) for step, value in sorted(curve(key)))

    stored = run.data.metrics
    return Outcome(
        value=value,
        metrics={name: floats.restored((key, 0, stored[key]), exact) for name, key in metric_keys.items()},
        history=Lazy(history, fetch),
        artifacts=Lazy(files, lambda name: file(paths[name])) if files else {},
    )


def _params(run: Run, record: StudyRecord) -> Params:
    stored = own_params(run)
    long_texts = json.loads(names.unpacked(run.data.tags, "hpsearch.long_params") or "{}")
    by_key = {key: name for name, key in names.keys(record.space, set(), "param.").items()}
    return parsed(record.space, {by_key.get(key, key): text for key, text in stored.items()} | long_texts)


def own_params(run: Run) -> dict[str, str]:
    """Return the texts of the params that were proposed, without the derived ones."""
    derived = set(_names(run.data.tags, DERIVED))
    return {key: text for key, text in run.data.params.items() if key not in derived}


def parsed(space: Space, texts: Params) -> Params:
    """Return the typed params of a text form; where the space has changed since, the texts as they are."""
    try:
        params = space.parse(texts)
    except (ValueError, SpaceError):
        return texts
    return params if len(params) == len(texts) else texts


def _names(tags: Mapping[str, str], tag: str) -> list[str]:
    found: list[str] = json.loads(names.unpacked(tags, tag) or "[]")
    return found


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
