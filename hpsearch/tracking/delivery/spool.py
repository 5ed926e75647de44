"""The spool of a study: each trial enters a file before it goes to the store, and leaves it once the store has it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from hpsearch.errors import TrackingError
from hpsearch.ports import TrackedStudy
from hpsearch.tracking.delivery import spool_file
from hpsearch.tracking.store.names import list_numbers
from hpsearch.trial import Trial

logger = logging.getLogger(__name__)
# A process that is killed loses nothing of a file; a machine that loses power loses what was not flushed yet.
FLUSH_SECONDS = 0.5
# A file that holds mostly trials which the store has is written anew beyond this size.
COMPACT_BYTES = 16_000_000


class Spool:
    """The trials of one study that the store does not have yet, in a file.

    Trials are added by the thread that runs the search, and removed by the writer thread. Where the first place takes nothing
    more, as on a full disk, the next one is used; the next start reads all of them.

    Args:
        places: the files, in order of preference.
        run_id: the run of the study.
        study: whose trials they are.
    """

    def __init__(self, places: Sequence[Path], run_id: str, study: TrackedStudy) -> None:
        self._places, self._key = list(places), spool_file.StudyKey.by(run_id, study)
        self._held: dict[int, Trial] = {}
        self._unwritten: dict[int, Trial] = {}
        self._lines = 0
        self._error: OSError | None = None
        self._flushed, self._dirty = -float("inf"), False
        self._lock = Lock()

    def add(self, trial: Trial) -> None:
        """Append a trial to the file; where no place takes it, it is kept in memory, see `check`."""
        with self._lock:
            self._held[trial.number] = trial
            self._append(trial)
            self._flush()

    def settle(self, number: int) -> None:
        """Remove a trial that the store has; where none is left, the file is emptied."""
        with self._lock:
            self._unwritten.pop(number, None)
            if self._held.pop(number, None) is None:
                return
            if not self._held:
                self._empty()
            elif spool_file.size(self._places[0]) > COMPACT_BYTES and 4 * len(self._held) < self._lines:
                self._rewrite()

    def flush(self) -> None:
        """Flush what was appended to the disk, at most every half second."""
        with self._lock:
            self._flush()

    def check(self) -> None:
        """Try again to write what no place took.

        Raises:
            TrackingError: if there is still no room for it.
        """
        with self._lock:
            for trial in list(self._unwritten.values()):
                self._append(trial)
            if self._unwritten:
                raise self._nowhere(self._unwritten) from self._error

    def keep(self, trials: Iterable[Trial]) -> Path | None:
        """Write the file anew with exactly these trials; delete it where there are none. Return where they are.

        Without room for a second file, the one that holds them among others stays.

        Raises:
            TrackingError: if no place takes them.
        """
        with self._lock:
            in_files = self._held.keys() - self._unwritten.keys()
            self._held = {trial.number: trial for trial in trials}
            self._unwritten = {}
            try:
                return self._rewrite()
            except TrackingError:
                if self._held.keys() <= in_files:
                    return self._places[0]
                raise

    def adopt(self, trials: Iterable[Trial]) -> None:
        """Take over the trials of an earlier process, which are in the files."""
        self._held |= {trial.number: trial for trial in trials}

    def _append(self, trial: Trial) -> None:
        line = spool_file.line(self._key, trial)
        for place in list(self._places):
            try:
                spool_file.append(place, line)
            except OSError as error:
                self._error = error
                continue
            self._prefer(place)
            self._lines += 1
            self._unwritten.pop(trial.number, None)
            self._dirty = True
            return
        self._unwritten[trial.number] = trial

    def _prefer(self, place: Path) -> None:
        """Go on with a place that has room; a file in another one stays, and is read at the next start."""
        if place == self._places[0]:
            return
        logger.warning("%s takes nothing more (%s); trials that wait go to %s.", self._places[0], self._error, place)
        self._places.remove(place)
        self._places.insert(0, place)

    def _flush(self) -> None:
        if self._dirty and time.monotonic() - self._flushed >= FLUSH_SECONDS:
            with suppress(OSError):  # what cannot be flushed is still in the file
                spool_file.flush(self._places[0])
            self._flushed, self._dirty = time.monotonic(), False

    def _rewrite(self) -> Path | None:
        for place in list(self._places):
            try:
                spool_file.write(place, self._key, list(self._held.values()))
            except OSError as error:
                self._error = error
                continue
            self._lines = len(self._held)
            if self._held:
                self._prefer(place)
            for other in self._places:
                if other != place:
                    with suppress(OSError):
                        other.unlink(missing_ok=True)
            return place if self._held else None
        raise self._nowhere(self._held) from self._error

    def _empty(self) -> None:
        self._lines = 0
        for place in self._places:
            with suppress(OSError):
                if spool_file.size(place):
                    os.truncate(place, 0)

    def _nowhere(self, trials: Iterable[int]) -> TrackingError:
        where = " nor to ".join(repr(str(place)) for place in self._places)
        why = self._error.strerror if self._error is not None else "no place is left"
        return TrackingError(
            f"Trials {list_numbers(trials)} could be written neither to the store nor to {where}: {why}."
            " Make room and run the study again to repeat them."
        )
