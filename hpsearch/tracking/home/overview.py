"""Overviews of the studies in a store: state, progress, best value so far, and the trials that run.

Reading them is cheap, because a page asks again every few seconds: trials are counted again only where a study has changed, and
the longer a reading takes, the longer it is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from hpsearch.errors import StudyError, did_you_mean
from hpsearch.tracking.lease import newest_claim
from hpsearch.tracking.lease.claim import written_under
from hpsearch.tracking.runs import catalog, location, study_run
from hpsearch.tracking.runs.catalog import StudySummary
from hpsearch.tracking.runs.location import Location
from hpsearch.tracking.runs.trial_keys import CURVE, DERIVED, SECONDS
from hpsearch.tracking.store.client import children, reraised_as_tracking_error, search
from hpsearch.tracking.store.names import unpack_text
from hpsearch.tracking.store.store import Store
from hpsearch.trial import Status

if TYPE_CHECKING:
    from mlflow.entities import Experiment, Run

Kept = TypeVar("Kept")
RUNNING, FINISHED, INTERRUPTED, FAILED = "running", "finished", "interrupted", "failed"
REPORT = "report.html"
# How many studies are read at once, and how many running trials of each.
STUDIES, TRIALS = 100, 24
# How many points of a running trial's curve are shown.
POINTS = 500
# A reading is kept for so many times the seconds that it took, while its study runs.
_PATIENCE = 20.0


@dataclass(frozen=True)
class RunningTrial:
    """A trial that has not ended: its params as text, its last values by metric, and the points of its first curve."""

    name: str
    run_id: str
    started: float
    params: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    curve: Sequence[tuple[int, float]] = ()


@dataclass(frozen=True)
class Overview:
    """One study at a glance.

    Args:
        name: of the study.
        state: ``running``, ``finished``, ``interrupted`` or ``failed``.
        question: the study's own first sentence.
        measure: what the value is.
        best: the best value so far as the objective returned it, or None.
        curve: trials done and the best value then, wherever that changed, and the latest.
        done: how many trials have ended.
        failed: how many of them have no result.
        planned: how many there will be, where that is known.
        started: in seconds since 1970.
        user: who started it.
        host: the machine it was started on last.
        experiment: that holds it.
        run_id: its run in MLflow.
        maximize: whether larger values are better.
        reported: whether its report is among its artifacts.
        trials: those that run.
    """

    name: str
    state: str
    question: str
    measure: str
    best: float | None
    curve: Sequence[tuple[int, float]]
    done: int
    failed: int
    planned: int | None
    started: float
    user: str
    host: str
    experiment: Experiment
    run_id: str
    maximize: bool = False
    reported: bool = False
    trials: Sequence[RunningTrial] = ()

    @property
    def total(self) -> int | None:
        """How many trials there are in the end: at least those that have ended already."""
        return None if self.planned is None or self.state == FINISHED else max(self.planned, self.done)


@dataclass
class _Reading:
    """Something read before: what of, when, and how long it took."""

    stamp: Hashable
    found: Any
    when: float
    seconds: float

    def holds(self, stamp: Hashable, running: bool) -> bool:
        """Return whether it is still good enough."""
        return self.stamp == stamp or (running and time.monotonic() - self.when < _PATIENCE * self.seconds)


class OverviewReader:
    """Reads the overviews of a store, again and again.

    Args:
        store: that holds the studies.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._kept: dict[tuple[str, str], _Reading] = {}

    def read(self, most: int = STUDIES) -> list[Overview]:
        """Return the latest studies: those that run first, then the others, the latest start first."""
        with reraised_as_tracking_error(f"The studies in {self.store.display_uri} cannot be read"):
            found = [(place, run) for place in location.locations(self.store) if (run := place.newest) is not None]
            found.sort(key=lambda pair: (pair[1].info.status != "RUNNING", -pair[1].info.start_time))
            overviews = [self._overview(place, run) for place, run in found[:most]]
        return sorted(overviews, key=lambda study: (study.state != RUNNING, -study.started))

    def read_one(self, name: str) -> Overview:
        """Return one study.

        Raises:
            StudyError: if there is none of this name; with the closest name there is.
        """
        with reraised_as_tracking_error(f"Study {name!r} cannot be read from {self.store.display_uri}"):
            found = location.find(self.store, name)
            if found is not None:
                return self._overview(Location(name, found[0], (found[1],)), found[1])
            known = [place.name for place in location.locations(self.store) if place.newest is not None]
        raise StudyError(
            f"No study {name!r} is recorded in {self.store.display_uri}.{did_you_mean(name, known)} See: hpsearch list"
        )

    def _overview(self, place: Location, run: Run) -> Overview:
        tags, metrics = run.data.tags, run.data.metrics
        word = catalog.state(self.store, place.name, run)
        running = word.startswith(RUNNING)
        # Both change with every trial; an ended study changes no more.
        stamp = (run.info.status, run.info.end_time, metrics.get("trials_done"), metrics.get("best_value"))
        summary = self._keep("summary", run, stamp, running, lambda: catalog.summary(self.store, place.name))
        best = metrics.get(study_run.CHOSEN, metrics.get("best_value") if running else summary.best_value)
        return Overview(
            name=place.name,
            state=RUNNING if running else word,
            question=tags.get("hpsearch.question", ""),
            measure=tags.get(study_run.MEASURE, "value"),
            best=best,
            curve=self._keep("curve", run, stamp, running, lambda: self._curve(run)),
            done=max(summary.trials, int(metrics.get("trials_done", 0)) if running else 0),
            failed=_count_failed(summary),
            planned=_number(tags.get(study_run.PLANNED)),
            started=run.info.start_time / 1000,
            user=tags.get("mlflow.user", ""),
            host=tags.get(study_run.HOST, ""),
            experiment=place.experiment,
            run_id=str(run.info.run_id),
            maximize=tags.get("hpsearch.direction") == "maximize",
            reported=REPORT in study_run.attached(run),
            trials=list(islice(self._running_trials(run), TRIALS)) if running else [],
        )

    def _keep(self, kind: str, run: Run, stamp: Hashable, running: bool, read: Callable[[], Kept]) -> Kept:
        """Return what was read before as long as it holds, else read it."""
        key = (kind, str(run.info.run_id))
        kept = self._kept.get(key)
        if kept is None or not kept.holds(stamp, running):
            began = time.monotonic()
            found = read()
            kept = self._kept[key] = _Reading(stamp, found, time.monotonic(), time.monotonic() - began)
        result: Kept = kept.found
        return result

    def _curve(self, run: Run) -> list[tuple[int, float]]:
        """Return where the best value so far changed, and its last point."""
        points = self.store.client.get_metric_history(run.info.run_id, "best_value")
        ordered = sorted((point.step, point.timestamp, point.value) for point in points)
        found: list[tuple[int, float]] = []
        for step, _, value in ordered:
            if not found or found[-1][1] != value:
                found.append((step, value))
        last = int(run.data.metrics.get("trials_done", ordered[-1][0] if ordered else 0))
        return [*found, (last, found[-1][1])] if found and last > found[-1][0] else found

    def _running_trials(self, parent: Run) -> Iterator[RunningTrial]:
        """Yield the trials that run under the study's present owner; a run that is being written at its end is none."""
        claim = newest_claim(parent)
        where = f"{children(parent.info.run_id)} and attributes.status = 'RUNNING'"
        for run in search(self.store.client, parent.info.experiment_id, where, page=TRIALS * 4):
            ended = run.data.tags.get("hpsearch.status") in [status.value for status in Status]
            if not ended and (claim is None or written_under(run) == claim.number):
                yield self._running_trial(run)

    def _running_trial(self, run: Run) -> RunningTrial:
        trial = _running_trial(run)
        name = next((key for key in trial.values if key.startswith(CURVE)), None)
        if name is None:
            return trial
        stamp = tuple(trial.values.values())
        return replace(trial, curve=self._keep("trial", run, stamp, True, lambda: self._trial_curve(run, name)))

    def _trial_curve(self, run: Run, name: str) -> list[tuple[int, float]]:
        """Return the latest points of a running trial's curve."""
        points = self.store.client.get_metric_history(run.info.run_id, name)
        return sorted((point.step, point.value) for point in points)[-POINTS:]


def _running_trial(run: Run) -> RunningTrial:
    derived = unpack_text(run.data.tags, DERIVED) or ""
    params = {key: text for key, text in run.data.params.items() if f'"{key}"' not in derived}
    values = {key: value for key, value in run.data.metrics.items() if key != SECONDS}
    return RunningTrial(run.info.run_name or "trial", str(run.info.run_id), run.info.start_time / 1000, params, values)


def _count_failed(summary: StudySummary) -> int:
    """Return how many trials ended without a result; one that was stopped early has one."""
    return sum(number for status, number in summary.counts.items() if status not in (Status.FINISHED, Status.STOPPED))


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() else None
