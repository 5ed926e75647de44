"""The catalog of a store: its studies, and their trials as plain rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpsearch.errors import StudyError, did_you_mean
from hpsearch.ports import EarlierIdentity
from hpsearch.tracking.lease import newest_claim
from hpsearch.tracking.runs import study_run
from hpsearch.tracking.runs.study_run import CHOSEN, newest, read_children, read_earlier, read_identity
from hpsearch.tracking.runs.trial_decoding import own_params
from hpsearch.tracking.runs.trial_keys import SECONDS
from hpsearch.tracking.store import names
from hpsearch.tracking.store.client import reraised_as_tracking_error
from hpsearch.tracking.store.store import Store
from hpsearch.trial import PREFLIGHT, Status, flip_sign

if TYPE_CHECKING:
    from mlflow.entities import Experiment, Run

STATES = {"FINISHED": "finished", "KILLED": "killed", "FAILED": "failed"}


@dataclass(frozen=True)
class StudySummary:
    """One study in short; ``best_value`` is as the objective returned it, the mean of the chosen setting where settings
    were run several times; ``started`` is in seconds since 1970.

    ``status`` is ``running`` (with the machine, where a server keeps the study), ``interrupted`` (left running by a kill),
    ``finished``, ``killed`` or ``failed``; ``identity`` holds the recorded space, objective, strategy and seed as text,
    ``earlier`` what it was before.
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


@dataclass(frozen=True)
class TrialRow:
    """One trial as text, without its space: ``params`` as recorded, ``value`` as the objective returned it (NaN for none)."""

    number: int
    status: str
    stage: str
    value: float
    params: Mapping[str, str]
    seconds: float
    error: str | None
    run_id: str

    @property
    def selectable(self) -> bool:
        """Whether the trial may be the best one: finished, with a finite value, and not a check before the search."""
        return self.status == Status.FINISHED and math.isfinite(self.value) and not self.stage.startswith(PREFLIGHT)


def studies(store: Store) -> list[StudySummary]:
    """Return every study of the store, the latest first."""
    with reraised_as_tracking_error(f"The studies in {store.display_uri} cannot be read"):
        found = [(entry, newest(store.client, entry.experiment_id)) for entry in experiments(store)]
        summaries = [_summary(store, entry, parent) for entry, parent in found if parent is not None]
    return sorted(summaries, key=lambda summary: -summary.started)


def summary(store: Store, name: str) -> StudySummary:
    """Return one study.

    Raises:
        StudyError: if there is none of this name; with the closest name there is.
    """
    with reraised_as_tracking_error(f"Study {name!r} cannot be read from {store.display_uri}"):
        found = study_run.find_experiment(store, name)
        parent = None if found is None else newest(store.client, found.experiment_id)
        if found is not None and parent is not None:
            return _summary(store, found, parent)
        known = [name_of(entry) for entry in experiments(store)]
    raise StudyError(f"No study {name!r} is recorded in {store.display_uri}.{did_you_mean(name, known)} See: hpsearch list")


def trial_rows(store: Store, study: StudySummary) -> list[TrialRow]:
    """Return the trials of a study in number order."""
    with reraised_as_tracking_error(f"The trials of {study.name!r} cannot be read from {store.display_uri}"):
        parent = store.client.get_run(study.run_id)
        return [_row(run, study.maximize) for run in read_children(store.client, parent).complete.values()]


def experiments(store: Store, everything: bool = False) -> Iterator[Experiment]:
    """Yield the experiment of every study; with ``everything`` also deleted ones and those of other programs."""
    from mlflow.entities import ViewType

    where, view = ("", ViewType.ALL) if everything else ("tags.`hpsearch.kind` = 'study'", ViewType.ACTIVE_ONLY)
    token: str | None = None
    while True:
        page = store.client.search_experiments(view, filter_string=where, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def name_of(entry: Experiment) -> str:
    """Return the name of the study that an experiment holds."""
    return str(entry.tags.get(study_run.NAME_TAG, entry.name))


def _summary(store: Store, entry: Experiment, parent: Run) -> StudySummary:
    tags = parent.data.tags
    maximize = tags.get("hpsearch.direction") == "maximize"
    rows = [_row(run, maximize) for run in read_children(store.client, parent).complete.values()]
    values = [row.value for row in rows if row.selectable]
    identity = read_identity(parent)
    name = name_of(entry)
    return StudySummary(
        name=name,
        status=STATES.get(parent.info.status) or _running(store, name, parent),
        trials=len(rows),
        counts=Counter(row.status for row in rows),
        best_value=parent.data.metrics.get(CHOSEN, (max(values) if maximize else min(values)) if values else None),
        started=parent.info.start_time / 1000,
        strategy=identity.get("strategy", ""),
        question=tags.get("hpsearch.question", ""),
        source=tags.get("hpsearch.source"),
        maximize=maximize,
        identity=identity,
        earlier=read_earlier(parent),
        experiment_id=str(entry.experiment_id),
        run_id=str(parent.info.run_id),
    )


def _running(store: Store, name: str, parent: Run) -> str:
    """Return whether a study that is marked as running is, as far as can be told at once."""
    claim = newest_claim(parent)
    if claim is not None and claim.seems_alive:
        return f"running on {claim.owner.host}"
    return "running" if store.busy(name) else "interrupted"


def _row(run: Run, maximize: bool) -> TrialRow:
    tags = run.data.tags
    return TrialRow(
        number=int(tags["hpsearch.number"]),
        status=tags["hpsearch.status"],
        stage=names.unpack_text(tags, "hpsearch.stage") or "",
        value=flip_sign(float(tags.get("hpsearch.minimised", "nan")), maximize),
        params=own_params(run),
        seconds=run.data.metrics.get(SECONDS, math.nan),
        error=names.unpack_text(tags, "hpsearch.error"),
        run_id=str(run.info.run_id),
    )
