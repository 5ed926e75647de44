"""The port of a tracker, and the records it keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hpsearch.space import Space
from hpsearch.trial import Candidate, Trial, lowest


@dataclass(frozen=True)
class PartRecord:
    """One part of a data set in words: ``training``, ``validation`` or the sealed ``test``; SHA-256 of its content."""

    name: str
    rows: int
    checksum: str
    sealed: bool = False


@dataclass(frozen=True)
class DataRecord:
    """A study's data set in words, without a single row; ``classes`` is 0 where numbers are predicted.

    ``dtype`` is that of the rows.
    """

    name: str
    checksum: str
    features: int
    classes: int
    parts: Sequence[PartRecord] = ()
    dtype: str = "float32"


@dataclass(frozen=True)
class Exported:
    """A trained network as plain data, from which it can be rebuilt without this package.

    Args:
        architecture: what JSON can say of it, see `hpsearch.nn.export.architecture`.
        weights: its arrays by name.
        example: two rows of input, (2, d); a data frame where the inputs are the columns of a table.
        outputs: what the network returns for the example, (2, k).
        note: a sentence on how it was come by, where that is not as it should be.
    """

    architecture: Mapping[str, Any]
    weights: Mapping[str, np.ndarray] = field(repr=False)
    example: Any = field(repr=False)
    outputs: np.ndarray = field(repr=False)
    note: str = ""


@dataclass(frozen=True)
class ExportedEstimator:
    """A fitted scikit-learn estimator that skops is known to store and to load again.

    Args:
        estimator: predicts the user's own labels, or numbers.
        example: two rows of input, an array or a data frame.
        outputs: what it predicts for the example.
        rows: training rows, by which the kind of each column is known, and whether values are missing in it.
        trusted: the types that skops must be told to trust when it loads the estimator.
        note: a sentence on how it was come by, where that is not as it should be.
    """

    estimator: Any = field(repr=False)
    example: Any = field(repr=False)
    outputs: np.ndarray = field(repr=False)
    rows: Any = field(repr=False)
    trusted: Sequence[str] = ()
    note: str = ""


# The model of a trial.
ExportedModel = Exported | ExportedEstimator


@dataclass(frozen=True)
class EarlierIdentity:
    """What a study was before the user accepted its changed objective: its identity, and the numbers of the trials run then."""

    identity: Mapping[str, str]
    trials: Sequence[int]


# The facts that say which strategy was picked for a study, and why, where its own strategy leaves that open.
PICKED, PICKED_BECAUSE = "auto", "auto_because"


def describe_identity(identity: Mapping[str, str], facts: Mapping[str, str]) -> dict[str, str]:
    """Return an identity as people read it: beside the strategy what was picked, and why, where that is left open.

    >>> describe_identity({"strategy": "Auto(trials=4)"}, {"auto": "QuasiRandom(trials=4)", "auto_because": "few trials"})
    {'strategy': 'Auto(trials=4)', 'picked': 'QuasiRandom(trials=4): few trials'}
    """
    if PICKED not in facts:
        return dict(identity)
    picked = f"{facts[PICKED]}: {facts.get(PICKED_BECAUSE, '')}".removesuffix(": ")
    pairs = [[(name, text), *([("picked", picked)] if name == "strategy" else [])] for name, text in identity.items()]
    return dict(pair for group in pairs for pair in group)


@dataclass(frozen=True)
class StudyRecord:
    """What identifies a study in a store: texts and numbers only, comparable by eye.

    Args:
        name: what the study is called.
        question: the study's own first sentence.
        identity: space, objective, strategy, seed, direction, data as texts; decides whether a second start is the same study.
        facts: versions, machine, code version; kept beside the identity.
        maximize: whether larger values are better.
        source: the file that defines the study.
        measure: what the value is.
        tags: further tags of the study's run.
        data: what was learned from.
        earlier: what the study was before its objective changed, the oldest first.
        identity_v1: its identity by the rule of version 1, where it was first recorded under that.
        planned: the number of trials it will have, where its strategy says so.
    """

    name: str
    question: str
    identity: Mapping[str, str]
    facts: Mapping[str, str]
    maximize: bool = False
    source: str | None = None
    measure: str = "value"
    tags: Mapping[str, str] = field(default_factory=dict)
    data: DataRecord | None = None
    earlier: Sequence[EarlierIdentity] = ()
    identity_v1: Mapping[str, str] = field(default_factory=dict)
    planned: int | None = None

    @property
    def earlier_trials(self) -> frozenset[int]:
        """The numbers of the trials that were run by an earlier objective."""
        return frozenset(number for change in self.earlier for number in change.trials)


@dataclass(frozen=True)
class TrackedStudy:
    """A study as a tracker gets it: its record, and what no record can hold.

    Args:
        record: what is written to the store.
        space: turns params into texts, and texts back into params.
        choose: the study's rule for the best setting among finished trials; a tracker that shows a best setting uses it.
        related: the records of studies that this one compares, by the names it has for them.
    """

    record: StudyRecord
    space: Space
    choose: Callable[[Sequence[Trial]], Candidate | None] = field(default=lowest, repr=False, compare=False)
    related: Mapping[str, StudyRecord] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Recorded:
    """What a store holds of a study: its finished trials, what was found half done, and the files attached to these trials.

    ``lost`` are the numbers of trials whose record cannot be read any more; they are run again. ``moved`` says that the study
    is recorded with another file than the one that defines it now, or with none.
    """

    trials: Sequence[Trial] = ()
    identity: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    interrupted: bool = False
    finished: bool = False
    dropped: int = 0
    attached: Sequence[str] = ()
    earlier: Sequence[EarlierIdentity] = ()
    identity_v1: Mapping[str, str] = field(default_factory=dict)
    lost: Sequence[int] = ()
    moved: bool = False


@dataclass(frozen=True)
class RunningTrial:
    """A trial that has not ended: as proposed, with the time it started at, and what it has reported since it was last shown.

    Args:
        trial: without an outcome.
        points: steps and metrics, in the order they were reported.
    """

    trial: Trial
    points: Sequence[tuple[int, Mapping[str, float]]] = ()


class Tracker(Protocol):
    """Where the events of a study go.

    All methods are called from one thread of the parent process, in the order given here. `find` or `start` comes first; the
    last four name a study that one of them was given, by its record. A tracker of your own subclasses `TrackerBase` and passes
    `hpsearch.testing.TrackerContract`.
    """

    @property
    def lasting(self) -> bool:
        """Whether the record outlives the process. If it does not, no report is drawn unless the user asks for one."""
        return True

    def states_folder(self, record: StudyRecord) -> Path | None:
        """Return a folder for the saved states of a study's paused trials, or None: they are then kept in memory alone."""
        return None

    @abstractmethod
    def find(self, study: TrackedStudy) -> Recorded | None:
        """Return what is recorded under the study's name, or None; change nothing.

        Trials are returned exactly as they were recorded, without their model state.
        """

    @abstractmethod
    def start(self, study: TrackedStudy, fresh: bool = False) -> None:
        """Open the study for recording: resume what is recorded, or with ``fresh`` begin a new record.

        It is called once before any `record`. A tracker that several processes share raises `RecordChanged` where another
        process has recorded trials since `find`; the study is then read again.
        """

    def on_stop(self, stop: Callable[[str], None]) -> None:
        """Call ``stop`` with who asked, where another process asks for the end of the study that runs; `start` comes before.

        ``stop`` may be called from any thread, and again until `finish`. The default never calls it.
        """
        return None

    @abstractmethod
    def record(self, trial: Trial) -> None:
        """Record a trial that has ended; it replaces one of the same number that did not finish, never one that did.

        It does not wait for a slow store. Trials are kept for good when `finish` returns at the latest; those that a kill
        finds unwritten are run again.
        """

    def link(self) -> str:
        """Return where people see the study that is open, as an address for a browser; an empty text where nowhere."""
        return ""

    def show(self, running: RunningTrial) -> None:
        """Show a trial that still runs, where people look; nothing is lost where it is not shown.

        Another thread may call it than the one that calls the other methods. It does not wait for a slow store.
        """
        return

    @abstractmethod
    def finish(self, status: str, trials: Sequence[Trial]) -> None:
        """Close the study with ``"finished"``, ``"killed"`` or ``"failed"``; ``trials`` are all of them, by number."""

    @abstractmethod
    def opening(self, record: StudyRecord, trial: Trial) -> int:
        """Count that the test part is about to be opened to score ``trial``; return the count, this opening included."""

    @abstractmethod
    def tested(self, record: StudyRecord, trial: Trial, scores: Mapping[str, float]) -> None:
        """Record the scores of ``trial`` on the test part."""

    @abstractmethod
    def keep_model(self, record: StudyRecord, trial: Trial, export: Callable[[], ExportedModel]) -> str:
        """Keep the network or estimator of ``trial`` and return its address; call ``export`` only where it is not kept yet."""

    @abstractmethod
    def attach(self, record: StudyRecord, files: Mapping[str, bytes]) -> None:
        """Keep files of the whole study by name, replacing earlier ones of the same name.

        `find` lists their names in ``attached`` as long as no trial was recorded since.
        """


class TrackerBase(Tracker):
    """The base class of trackers: typed defaults, and an error for a method that is missing or misspelt."""

    lasting: bool = True
