"""The trials of a study in brief: what a list needs of each, read from a database in one query."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hpsearch.tracking.runs import trial_run
from hpsearch.tracking.runs.database_reader import select_children
from hpsearch.tracking.runs.trial_keys import DERIVED
from hpsearch.tracking.store.store import Store
from hpsearch.trial import PREFLIGHT, Status

if TYPE_CHECKING:
    from mlflow.entities import Run
    from sqlalchemy import Connection

_COUNTS = ("hpsearch.number", "hpsearch.replicate", "hpsearch.continues")
_LISTS = ("hpsearch.history", "hpsearch.metrics", "hpsearch.files", DERIVED)
_OTHERS = ("hpsearch.status", "hpsearch.stage", "hpsearch.budget", "hpsearch.minimised", "hpsearch.long_params", trial_run.TAG)
_ERROR = "hpsearch.error"
_TAGS = (*_COUNTS, *_LISTS, *_OTHERS, _ERROR)
_STATUSES = {status.value for status in Status}
_OUTCOME = ("hpsearch.minimised", "hpsearch.history", "hpsearch.metrics")


@dataclass(frozen=True)
class BriefTrial:
    """One trial: ``minimised`` is its value as the search minimises it (NaN for none)."""

    number: int
    status: str
    stage: str
    minimised: float
    has_error: bool
    run_id: str

    @property
    def selectable(self) -> bool:
        """Whether the trial may be the best one, see `hpsearch.tracking.runs.catalog.TrialRow`."""
        return self.status == Status.FINISHED and math.isfinite(self.minimised) and not self.stage.startswith(PREFLIGHT)


def brief_trials(store: Store, parent: Run) -> list[BriefTrial] | None:
    """Return the trials in number order; None where all of each must be read.

    That is so on a server, and wherever something is damaged, repeated or held in several tags, which is said or put together
    where everything is read.
    """
    engine = store.readable
    if engine is None:
        return None
    with engine.connect() as connection:
        if _has_long_tags(connection, parent):
            return None
        rows = connection.execute(_query(parent)).all()
    found: dict[int, BriefTrial] = {}
    for run_id, ended, *texts in rows:
        if ended in ("RUNNING", "SCHEDULED"):
            continue
        tags = {name: text for name, text in zip(_TAGS, texts, strict=True) if text is not None}
        trial = _parse(run_id, tags) if ended in ("FINISHED", "FAILED") and _is_whole(tags) else None
        if trial is None or trial.number in found:
            return None
        found[trial.number] = trial
    return [found[number] for number in sorted(found)]


def _query(parent: Run) -> Any:
    """Return the query for one row per trial: its run, how that ended, and its tags in the order of ``_TAGS``."""
    from hpsearch.tracking.store.tables import RUNS, TAGS

    tags = [(name, TAGS.alias()) for name in _TAGS]
    query = select_children(parent, RUNS.c.run_uuid, RUNS.c.status, *(tag.c.value for _, tag in tags))
    for name, tag in tags:
        query = query.outerjoin(tag, (tag.c.run_uuid == RUNS.c.run_uuid) & (tag.c.key == name))
    return query


def _has_long_tags(connection: Connection, parent: Run) -> bool:
    """Return whether a tag of a trial continues in others."""
    from hpsearch.tracking.store.tables import RUNS, TAGS

    names = [f"{name}.{part}" for name in _TAGS if name != _ERROR for part in ("1", "json")]
    query = select_children(parent, RUNS.c.run_uuid).join(TAGS, TAGS.c.run_uuid == RUNS.c.run_uuid)
    return connection.execute(query.where(TAGS.c.key.in_(names)).limit(1)).first() is not None


def _is_whole(tags: dict[str, str]) -> bool:
    """Return whether a trial has every tag that it must have, and each can be read."""
    if not {"hpsearch.number", "hpsearch.status", "hpsearch.stage"} <= tags.keys() or tags["hpsearch.status"] not in _STATUSES:
        return False
    has_outcome = tags["hpsearch.status"] == Status.FINISHED or any(name in tags for name in _OUTCOME)
    if has_outcome and not all(name in tags for name in _OUTCOME):
        return False
    counts = all(tags[name].isascii() and tags[name].isdigit() for name in _COUNTS if name in tags)
    return counts and all(_is_list(tags[name]) for name in _LISTS if name in tags) and all(_others(tags))


def _others(tags: dict[str, str]) -> Iterator[bool]:
    if "hpsearch.budget" in tags:
        yield tags["hpsearch.budget"].removeprefix("-").isdigit()
    if "hpsearch.long_params" in tags:
        yield isinstance(_parse_json(tags["hpsearch.long_params"]), dict)
    if trial_run.TAG in tags:
        yield _is_exact(tags[trial_run.TAG])


@lru_cache(maxsize=1000)
def _is_list(text: str) -> bool:
    found = _parse_json(text)
    return isinstance(found, list) and all(isinstance(name, str) for name in found)


def _is_exact(text: str) -> bool:
    try:
        trial_run.decode_floats({trial_run.TAG: text})
    except (ValueError, TypeError):
        return False
    return True


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _parse(run_id: str, tags: dict[str, str]) -> BriefTrial | None:
    try:
        minimised = float(tags.get("hpsearch.minimised", "nan"))
    except ValueError:
        return None
    number, status, stage = int(tags["hpsearch.number"]), tags["hpsearch.status"], tags["hpsearch.stage"]
    return BriefTrial(number, status, stage, minimised, bool(tags.get(_ERROR)), run_id)
