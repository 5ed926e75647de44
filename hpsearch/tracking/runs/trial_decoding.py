"""Trials read back from MLflow runs, bit by bit; curves and files are fetched on first use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from hpsearch.errors import SpaceError
from hpsearch.space import Space
from hpsearch.tracking.runs import trial_run
from hpsearch.tracking.runs.own_metrics import OwnMetrics
from hpsearch.tracking.runs.trial_keys import file_paths, metric_keys, param_keys
from hpsearch.tracking.runs.trial_tags import DamagedRun, TrialTags, read_tags
from hpsearch.trial import Curve, Outcome, Params, Trial

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run

Value = TypeVar("Value")
History = Callable[[str], "Sequence[Metric]"]


class Lazy(Mapping[str, Value], Generic[Value]):
    """A mapping of known names whose values are fetched on first access and kept; equal to the dict of the same content.

    >>> dict(Lazy(["a"], len))
    {'a': 1}
    """

    def __init__(self, names: Iterable[str], fetch: Callable[[str], Value]) -> None:
        self._names = dict.fromkeys(names)
        self._fetch = fetch
        self._kept: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._kept:
            self._kept[name] = self._fetch(name)
        return self._kept[name]

    def __contains__(self, name: object) -> bool:
        # The inherited method would fetch the value.
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[type[dict[str, Value]], tuple[dict[str, Value]]]:
        # Another process gets the content, never the connection it came from.
        return dict, (dict(self),)


def decode(run: Run, space: Space, history: History, file: Callable[[str], bytes], same_space: bool = False) -> Trial:
    """Return the trial that a run holds; what somebody else added to the run has no effect.

    Args:
        run: a complete run, written from what `hpsearch.tracking.runs.trial_run.encode` returned.
        space: the study's, which parses the params.
        history: fetches the stored points of a metric key.
        file: fetches an artifact by its path under the run.
        same_space: whether the trial was recorded with this very space.
    Raises:
        DamagedRun: a tag, a param or a metric is missing or cannot be read.
    """
    tags = read_tags(run)
    start = (run.info.start_time or 0) if tags.started is None else tags.started
    stored = OwnMetrics(run, history, start)
    return Trial(
        number=tags.number,
        params=_params(run, tags, space, same_space),
        stage=tags.stage,
        status=tags.status,
        outcome=None if tags.minimised is None else _outcome(tags.minimised, tags, stored, file),
        budget=tags.budget,
        continues=tags.continues,
        replicate=tags.replicate,
        error=tags.error,
        started=start / 1000,
        seconds=stored.seconds,
        resumed_step=tags.resumed_step,
        attempt=tags.attempt,
        machine=tags.machine,
    )


def _outcome(value: float, tags: TrialTags, stored: OwnMetrics, file: Callable[[str], bytes]) -> Outcome:
    of_curves, of_metrics = metric_keys(tags.history, tags.metrics)
    paths = file_paths(list(tags.files))

    def curve(name: str) -> Curve:
        key = of_curves[name]
        points = sorted(stored.curve(key))
        return tuple((step, trial_run.restore_float((key, step, value), tags.exact)) for step, value in points)

    def final(key: str) -> float:
        value = stored.final(key)
        if value is None:
            raise DamagedRun(stored.run, f"metric {key!r} of run {stored.run.info.run_id} is missing")
        return trial_run.restore_float((key, 0, value), tags.exact)

    return Outcome(
        value=value,
        metrics={name: final(key) for name, key in of_metrics.items()},
        history=Lazy(tags.history, curve),
        artifacts=Lazy(tags.files, lambda name: file(paths[name])) if tags.files else {},
        times=tags.times,
    )


def _params(run: Run, tags: TrialTags, space: Space, same_space: bool) -> Params:
    by_key = {key: name for name, key in param_keys(space).items()}
    if not same_space:
        stored = {key: text for key, text in run.data.params.items() if key not in tags.derived}
        return parse_params(space, {by_key.get(key, key): text for key, text in stored.items()} | dict(tags.long_params))
    texts = {by_key[key]: text for key, text in run.data.params.items() if key in by_key} | dict(tags.long_params)
    return _parse_own(run, space, texts)


def _parse_own(run: Run, space: Space, texts: Mapping[str, str]) -> Params:
    """Return the params of a trial of this very space: all that it must have, and no other.

    A parameter whose condition fails is somebody else's, even under one of our names.
    """
    params: Params = {}
    for name, domain in space.domains.items():
        if not space.active(name, params):
            continue
        if name not in texts:
            raise DamagedRun(run, f"param {param_keys(space)[name]!r} of run {run.info.run_id} is missing")
        try:
            params[name] = domain.parse(texts[name])
        except (ValueError, SpaceError) as error:
            what = f"param {param_keys(space)[name]!r} of run {run.info.run_id} is damaged, it holds {texts[name][:60]!r}"
            raise DamagedRun(run, what) from error
    return params


def own_params(run: Run, tags: TrialTags, declared: Sequence[str] | None) -> dict[str, str]:
    """Return the texts of the params that were proposed, without derived ones and those of other programs.

    ``declared`` are the names in the study's space, see `declared_names`; None where they are not known.
    """
    keys = None if declared is None else tuple(param_keys(declared).values())
    inside = tuple(f"{key}." for key in keys or ())
    return {
        key: text
        for key, text in run.data.params.items()
        if key not in tags.derived and (keys is None or key in keys or key.startswith(inside))
    }


def declared_names(space: str) -> list[str] | None:
    """Return the names of the parameters in the repr of a space, or None where it cannot be read.

    >>> declared_names("Space(rate=Float(0.1, 1.0), act=Choice('a, b=(', Decay(rate=Int(1, 2))))")
    ['rate', 'act']
    """
    if not space.startswith("Space(") or not space.endswith(")"):
        return None
    parts, depth, quote = [""], 0, ""
    body = re.sub(r"\\.", "", space[len("Space(") : -1])  # an escaped character never ends a text
    for letter in body:
        if quote or letter in "'\"":
            quote = ("" if letter == quote else quote) if quote else letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append("")
            continue
        parts[-1] += letter
    found = [part.partition("=")[0].strip() for part in parts]
    return found if depth == 0 and not quote and all("=" in part for part in parts) else None


def parse_params(space: Space, texts: Params) -> Params:
    """Return the typed params of a text form; where the space has changed since, the texts as they are."""
    try:
        params = space.parse(texts)
    except (ValueError, SpaceError):
        return texts
    return params if len(params) == len(texts) else texts
