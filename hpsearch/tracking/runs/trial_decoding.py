"""Trials read back from MLflow runs, bit by bit; curves and files are fetched on first use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from hpsearch.errors import SpaceError
from hpsearch.space import Space
from hpsearch.tracking.runs import trial_run
from hpsearch.tracking.runs.trial_keys import DERIVED, SECONDS, file_paths, metric_keys, param_keys
from hpsearch.tracking.store import names
from hpsearch.trial import Curve, Outcome, Params, Status, Trial

if TYPE_CHECKING:
    from mlflow.entities import Run

Value = TypeVar("Value")


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


def decode(run: Run, space: Space, curve: Callable[[str], Curve], file: Callable[[str], bytes]) -> Trial:
    """Return the trial that a run holds.

    Args:
        run: a complete run, written from what `hpsearch.tracking.runs.trial_run.encode` returned.
        space: the study's, which parses the params.
        curve: fetches the stored points of a metric key.
        file: fetches an artifact by its path under the run.
    """
    tags = run.data.tags
    text = names.unpack_text(tags, "hpsearch.minimised")
    return Trial(
        number=int(tags["hpsearch.number"]),
        params=_params(run, space),
        stage=names.unpack_text(tags, "hpsearch.stage") or "",
        status=Status(tags["hpsearch.status"]),
        outcome=None if text is None else _outcome(float(text), run, curve, file),
        budget=_number(tags.get("hpsearch.budget")),
        continues=_number(tags.get("hpsearch.continues")),
        replicate=int(tags.get("hpsearch.replicate", 0)),
        error=names.unpack_text(tags, "hpsearch.error"),
        started=(run.info.start_time or 0) / 1000,
        seconds=run.data.metrics.get(SECONDS, 0.0),
    )


def _outcome(value: float, run: Run, curve: Callable[[str], Curve], file: Callable[[str], bytes]) -> Outcome:
    tags = run.data.tags
    history, metrics, files = (_listed_names(tags, f"hpsearch.{kind}") for kind in ("history", "metrics", "files"))
    of_curves, of_metrics = metric_keys(history, metrics)
    exact = trial_run.decode_floats(tags)
    paths = file_paths(files)

    def fetch(name: str) -> Curve:
        key = of_curves[name]
        return tuple((step, trial_run.restore_float((key, step, value), exact)) for step, value in sorted(curve(key)))

    stored = run.data.metrics
    return Outcome(
        value=value,
        metrics={name: trial_run.restore_float((key, 0, stored[key]), exact) for name, key in of_metrics.items()},
        history=Lazy(history, fetch),
        artifacts=Lazy(files, lambda name: file(paths[name])) if files else {},
    )


def _params(run: Run, space: Space) -> Params:
    stored = own_params(run)
    long_texts = json.loads(names.unpack_text(run.data.tags, "hpsearch.long_params") or "{}")
    by_key = {key: name for name, key in param_keys(space).items()}
    return parse_params(space, {by_key.get(key, key): text for key, text in stored.items()} | long_texts)


def own_params(run: Run) -> dict[str, str]:
    """Return the texts of the params that were proposed, without the derived ones."""
    derived = set(_listed_names(run.data.tags, DERIVED))
    return {key: text for key, text in run.data.params.items() if key not in derived}


def parse_params(space: Space, texts: Params) -> Params:
    """Return the typed params of a text form; where the space has changed since, the texts as they are."""
    try:
        params = space.parse(texts)
    except (ValueError, SpaceError):
        return texts
    return params if len(params) == len(texts) else texts


def _listed_names(tags: Mapping[str, str], tag: str) -> list[str]:
    found: list[str] = json.loads(names.unpack_text(tags, tag) or "[]")
    return found


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
