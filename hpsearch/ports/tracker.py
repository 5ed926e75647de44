"""The port of a tracker, and the records it keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    """A study's data set in words, without a single row; ``classes`` is 0 where numbers are predicted."""

    name: str
    checksum: str
    features: int
    classes: int
    parts: Sequence[PartRecord] = ()


@dataclass(frozen=True)
class Exported:
    """A trained network as plain data, from which it can be rebuilt without this package.

    Args:
        architecture: what JSON can say of it, see `hpsearch.nn.export.architecture`.
        weights: its arrays by name.
        example: two rows of input, (2, d).
        outputs: what the network answers to the example, (2, k).
        note: a sentence on how it was come by, where that is not as it should be.
    """

    architecture: Mapping[str, Any]
    weights: Mapping[str, np.ndarray] = field(repr=False)
    example: np.ndarray = field(repr=False)
    outputs: np.ndarray = field(repr=False)
    note: str = ""


@dataclass(frozen=True)
class StudyRecord:
    """What identifies a study in a store: plain text, comparable by eye.

    ``identity`` (space, objective, strategy, seed, direction, data) decides whether a second start is the same study;
    ``facts`` (versions, machine, code version) are kept beside it; ``question`` is the study's own first sentence,
    ``measure`` says what the value is, ``data`` what was learned from. ``choose`` is the study's rule for the best setting
    among finished trials, so that whoever shows a study names the same one. ``about`` holds other studies that this one
    compares, under the names it has for them; a store that holds them too leads to them.
    """

    name: str
    question: str
    identity: Mapping[str, str]
    facts: Mapping[str, str]
    space: Space
    maximize: bool = False
    source: str | None = None
    measure: str = "value"
    tags: Mapping[str, str] = field(default_factory=dict)
    data: DataRecord | None = None
    choose: Callable[[Sequence[Trial]], Candidate | None] = field(default=lowest, repr=False, compare=False)
    about: Mapping[str, StudyRecord] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Recorded:
    """What a store holds of a study: its finished trials, what was found half done, and the files attached to these trials."""

    trials: Sequence[Trial] = ()
    identity: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    interrupted: bool = False
    finished: bool = False
    dropped: int = 0
    attached: Sequence[str] = ()


class Tracker(Protocol):
    """Where the events of a study go.

    Law: called from one thread of the parent process only. ``find`` reads and changes nothing; ``start`` opens the study
    (taking over what a kill left behind, or beginning anew) and is called once before any ``record``; trials handed to
    ``record`` are kept in that order, in the place of one of the same number that did not finish, and for good when
    ``finish`` returns at the latest: ``record`` does not wait for a slow store, and what a kill finds unwritten is run
    again. ``finish`` closes the study with ``"finished"``, ``"killed"`` or ``"failed"``. The others work on a study that has
    ended: ``opening`` counts that the test part is about to be opened (it returns the count so far, this one included),
    ``tested`` keeps the scores; ``keep_model`` keeps the network of a trial and returns its address, and does not call
    ``export`` where it has it already; ``attach`` keeps files of the whole study (name -> content), in the place of those
    attached under these names before, and ``find`` tells their names in ``attached`` as long as no trial was recorded since.
    Where ``lasting`` is False, the record goes with the process, and nobody draws a report for it unasked.
    """

    def find(self, record: StudyRecord) -> Recorded | None: ...

    def start(self, record: StudyRecord, fresh: bool = False) -> None: ...

    def record(self, trial: Trial) -> None: ...

    def finish(self, status: str, trials: Sequence[Trial]) -> None: ...

    def opening(self, record: StudyRecord, trial: Trial) -> int: ...

    def tested(self, record: StudyRecord, trial: Trial, scores: Mapping[str, float]) -> None: ...

    def keep_model(self, record: StudyRecord, trial: Trial, export: Callable[[], Exported]) -> str: ...

    def attach(self, record: StudyRecord, files: Mapping[str, bytes]) -> None: ...
