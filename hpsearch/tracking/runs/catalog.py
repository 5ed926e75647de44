"""The catalog of a store: its studies, and their trials as plain rows."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hpsearch.errors import StudyError, did_you_mean
from hpsearch.ports import EarlierIdentity
from hpsearch.tracking.lease import newest_claim
from hpsearch.tracking.runs import location
from hpsearch.tracking.runs.brief import BriefTrial, brief_trials
from hpsearch.tracking.runs.database_reader import read_runs
from hpsearch.tracking.runs.study_run import (
    CHOSEN,
    MEASURE,
    PLANNED,
    Children,
    read_children,
    read_earlier,
    read_facts,
    read_identity,
)
from hpsearch.tracking.runs.trial_decoding import declared_names, own_params
from hpsearch.tracking.runs.trial_keys import SECONDS
from hpsearch.tracking.runs.trial_tags import DamagedRun, read_tags
from hpsearch.tracking.store.client import reraised_as_tracking_error
from hpsearch.tracking.store.store import Store
from hpsearch.trial import PREFLIGHT, Status, flip_sign
from hpsearch.trial.formatting import describe_marks

if TYPE_CHECKING:
    from mlflow.entities import Run

STATES = {"FINISHED": "finished", "KILLED": "interrupted", "FAILED": "failed"}


@dataclass(frozen=True)
class StudySummary:
    """One study in short; ``best_value`` is as the objective returned it, the mean of the chosen setting where settings
    were run several times; ``started`` is in seconds since 1970, ``seconds`` lie between it and the latest end, None where a
    kill left no end; ``planned`` is the number of trials it will have, None where that is not known beforehand.

    ``status`` is ``running`` (with the machine, where a server keeps the study), ``interrupted`` (by Ctrl-C,
    a stop or a kill), ``finished`` or ``failed``; ``identity`` holds the recorded space, objective, strategy and seed as text,
    ``earlier`` what it was before, ``facts`` what is kept beside it. ``damaged`` says in one sentence each what cannot be read:
    those trials are left out.
    """

    name: str
    status: str
    trials: int
    counts: Mapping[str, int]
    best_value: float | None
    started: float
    strategy: str
    question: str
    source: str | None
    maximize: bool
    identity: Mapping[str, str]
    earlier: Sequence[EarlierIdentity]
    experiment_id: str
    run_id: str
    damaged: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    measure: str = "value"
    planned: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class TrialRow:
    """One trial as text, without its space: ``params`` as recorded, ``value`` as the objective returned it (NaN for none).

    ``marks`` say why its bits may differ from those of a repetition, as a clause.
    """

    number: int
    status: str
    stage: str
    value: float
    params: Mapping[str, str]
    seconds: float
    error: str | None
    run_id: str
    marks: str = ""

    @property
    def selectable(self) -> bool:
        """Whether the trial may be the best one: finished, with a finite value, and not a check before the search."""
        return self.status == Status.FINISHED and math.isfinite(self.value) and not self.stage.startswith(PREFLIGHT)


def studies(store: Store) -> list[StudySummary]:
    """Return every study of the store, the latest first."""
    with reraised_as_tracking_error(f"The studies in {store.display_uri} cannot be read"):
        found = [(one.name, one.newest) for one in location.locations(store)]
        summaries = [_summary(store, name, parent) for name, parent in found if parent is not None]
    return sorted(summaries, key=lambda summary: -summary.started)


def summary(store: Store, name: str) -> StudySummary:
    """Return one study.

    Raises:
        StudyError: if there is none of this name; with the closest name there is.
    """
    with reraised_as_tracking_error(f"Study {name!r} cannot be read from {store.display_uri}"):
        found = location.find(store, name)
        if found is not None:
            return _summary(store, name, found[1])
        known = [one.name for one in location.locations(store) if one.newest is not None]
    raise StudyError(f"No study {name!r} is recorded in {store.display_uri}.{did_you_mean(name, known)} See: hpsearch list")


def trial_rows(store: Store, study: StudySummary) -> list[TrialRow]:
    """Return the trials of a study in number order."""
    with reraised_as_tracking_error(f"The trials of {study.name!r} cannot be read from {store.display_uri}"):
        [parent] = read_runs(store, [study.run_id])
        return _rows(read_children(store, parent), study.identity, study.maximize)


def leading_rows(store: Store, study: StudySummary, count: int) -> list[TrialRow]:
    """Return the best ``count`` trials of a study and the first ``count`` with an error, in number order."""
    with reraised_as_tracking_error(f"The trials of {study.name!r} cannot be read from {store.display_uri}"):
        [parent] = read_runs(store, [study.run_id])
        trials = brief_trials(store, parent)
        if trials is None:
            return trial_rows(store, study)
        best = sorted((trial for trial in trials if trial.selectable), key=lambda trial: trial.minimised)[:count]
        wanted = {trial.number: trial.run_id for trial in (*best, *[trial for trial in trials if trial.has_error][:count])}
        runs = read_runs(store, [wanted[number] for number in sorted(wanted)])
        declared = declared_names(study.identity.get("space", ""))
        return [_row(run, declared, study.maximize) for run in runs]


def _summary(store: Store, name: str, parent: Run) -> StudySummary:
    tags, damaged = parent.data.tags, []
    identity: Mapping[str, str] = {}
    earlier: Sequence[EarlierIdentity] = ()
    try:
        identity, earlier = read_identity(parent), read_earlier(parent)
    except DamagedRun as error:
        damaged.append(str(error))
    maximize = tags.get("hpsearch.direction", identity.get("direction")) == "maximize"
    rows: Sequence[BriefTrial] | Sequence[TrialRow] | None = brief_trials(store, parent)
    if rows is None:
        children = read_children(store, parent)
        damaged += [str(replace(one, study=name)) for one in children.damaged]
        rows = _rows(children, identity, maximize)
    values = [_value(row, maximize) for row in rows if row.selectable]
    status = state(store, name, parent)
    return StudySummary(
        name=name,
        status=status,
        trials=len(rows),
        counts=Counter(row.status for row in rows),
        best_value=parent.data.metrics.get(CHOSEN, (max(values) if maximize else min(values)) if values else None),
        started=parent.info.start_time / 1000,
        strategy=identity.get("strategy", ""),
        question=tags.get("hpsearch.question", ""),
        source=tags.get("hpsearch.source"),
        maximize=maximize,
        identity=identity,
        earlier=earlier,
        experiment_id=str(parent.info.experiment_id),
        run_id=str(parent.info.run_id),
        damaged=tuple(damaged),
        facts=read_facts(parent),
        measure=tags.get(MEASURE, "value"),
        planned=int(planned) if (planned := tags.get(PLANNED, "")).isdecimal() else None,
        seconds=_seconds(parent, status),
    )


def _seconds(parent: Run, status: str) -> float | None:
    """Return how long a study has taken so far, its pauses included."""
    end = 1000 * time.time() if status.startswith("running") else parent.info.end_time
    return None if end is None else max(float(end - parent.info.start_time) / 1000, 0.0)


def _value(row: BriefTrial | TrialRow, maximize: bool) -> float:
    return flip_sign(row.minimised, maximize) if isinstance(row, BriefTrial) else row.value


def state(store: Store, name: str, parent: Run) -> str:
    """Return the state of a study by its run, as in `StudySummary.status`; no trial is read."""
    return STATES.get(parent.info.status) or _running(store, name, parent)


def _running(store: Store, name: str, parent: Run) -> str:
    """Return whether a study that is marked as running is, as far as can be told at once."""
    claim = newest_claim(parent)
    if claim is not None and claim.seems_alive:
        return f"running on {claim.owner.host}"
    if store.busy(name):
        return "running"
    [again] = read_runs(store, [str(parent.info.run_id)])  # it may have ended since it was read
    return STATES.get(again.info.status, "interrupted")


def _rows(children: Children, identity: Mapping[str, str], maximize: bool) -> list[TrialRow]:
    declared = declared_names(identity.get("space", ""))
    return [_row(run, declared, maximize) for run in children.complete.values()]


def _row(run: Run, declared: Sequence[str] | None, maximize: bool) -> TrialRow:
    tags = read_tags(run)
    return TrialRow(
        number=tags.number,
        status=tags.status.value,
        stage=tags.stage,
        value=flip_sign(math.nan if tags.minimised is None else tags.minimised, maximize),
        params=own_params(run, tags, declared),
        seconds=run.data.metrics.get(SECONDS, math.nan),
        error=tags.error,
        run_id=str(run.info.run_id),
        marks=describe_marks(tags.resumed_step, tags.attempt, tags.continues, tags.machine),
    )
