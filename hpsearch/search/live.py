"""Running trials shown while they run: a thread that hands what they report to the tracker."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hpsearch.ports import Executor, RunningTrial, Tracker
from hpsearch.search.progress import Progress, Running
from hpsearch.trial import Trial

logger = logging.getLogger(__name__)
# A trial is shown once it has run so long: short ones are recorded at their end alone.
SHOWN_AFTER_SECONDS = 4.0
POLL_SECONDS = 1.0


@dataclass
class _Running:
    """A trial that runs: since when, in both clocks, the last that it reported, and all since it was last shown."""

    trial: Trial
    latest: Running
    points: list[tuple[int, Mapping[str, float]]] = field(default_factory=list)
    shown: bool = False

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Add a point."""
        self.points.append((step, metrics))
        self.latest = replace(self.latest, step=max(step, self.latest.step), metrics={**self.latest.metrics, **metrics})


class Live:
    """Shows the running trials of a study; a context manager, whose thread ends with it.

    Args:
        executor: whose points are polled.
        tracker: that shows them.
        progress: of the study, which gets the latest of them for its display.
    """

    def __init__(self, executor: Executor, tracker: Tracker, progress: Progress) -> None:
        self._executor, self._tracker, self._progress = executor, tracker, progress
        self._proposed: dict[int, Trial] = {}
        self._running: dict[int, _Running] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hpsearch-live", daemon=True)

    def __enter__(self) -> Live:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def propose(self, trials: Mapping[int, Trial]) -> None:
        """Add trials that may run from now on."""
        self._proposed = {**self._proposed, **trials}

    def remove(self, number: int) -> None:
        """Remove a trial that has ended."""
        self._proposed.pop(number, None)

    def poll(self) -> None:
        """Read what running trials have reported, and show those that have run for a while."""
        now = time.monotonic()
        for number, step, metrics in self._executor.points():
            trial = self._proposed.get(number)
            if trial is None:
                continue
            if number not in self._running:
                self._running[number] = _Running(replace(trial, started=time.time()), Running(since=now))
            if metrics:
                self._running[number].add(step, metrics)
        for number, running in list(self._running.items()):
            if number not in self._proposed:
                del self._running[number]
            elif now - running.latest.since >= SHOWN_AFTER_SECONDS and (running.points or not running.shown):
                self._tracker.show(RunningTrial(running.trial, tuple(running.points)))
                running.points, running.shown = [], True
        self._progress.latest = {number: running.latest for number, running in sorted(self._running.items())}

    def _run(self) -> None:
        try:
            while not self._ended.wait(POLL_SECONDS):
                self.poll()
        except Exception as error:  # nothing of the study depends on it
            logger.warning("Running trials are not shown any more: %s: %s", type(error).__name__, error)
