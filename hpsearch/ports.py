"""The three ports of a study: who proposes, who scores, who writes down; and the words they exchange."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from hpsearch.errors import Lagging, SettingError, must_be
from hpsearch.selection import Candidate, lowest
from hpsearch.space import Space
from hpsearch.trial import Curve, Outcome, Params, Trial


@dataclass(frozen=True)
class Proposal:
    """What one trial shall do: ``continues`` names the trial whose training goes on, ``budget`` is in epochs."""

    params: Params
    budget: int | None = None
    continues: int | None = None
    replicate: int = 0


@dataclass(frozen=True)
class Batch:
    """Proposals that may run side by side, and the stage they belong to.

    ``space`` is what they were drawn from where that is not the study's own: its ranges narrowed, or moved beyond the first
    ones where they may move; without it every proposal must lie in the study's space. ``note`` is one sentence for whoever
    watches, such as why a range was moved, or (in a batch without proposals) why the search ends here.
    """

    proposals: Sequence[Proposal]
    stage: str = "all"
    space: Space | None = None
    note: str = ""


# A curve's name, its sign (-1 where larger is better), and per step the worst signed value with which a trial goes on.
Bar = tuple[str, int, Mapping[int, float]]
Search = Generator[Batch, Sequence[Trial], None]
# Checks before a search; what it returns is the space to search, or None where there is a bug to mend first.
Preflight = Generator[Batch, Sequence[Trial], Space | None]


@runtime_checkable
class Strategy(Protocol):
    """Proposes batches; a frozen dataclass whose repr is its record.

    Law: ``search`` yields a `Batch` and is sent that batch's trials in the order proposed (the failed ones too). All its
    randomness comes from ``rng``; the size of a batch never depends on the number of workers; it ends by returning.
    ``known`` are finished trials to start from, such as those of an earlier study.
    """

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search: ...


@dataclass
class Context:
    """What an objective is handed beside the params.

    Args:
        rng: the only source of randomness the objective may use.
        budget: what this trial may spend, in epochs; None leaves it to the objective.
        state: arrays of an earlier trial to go on from, or None.
        deadline: `time.monotonic` seconds after which the trial should end by itself, or None.
        bar: a curve's name, its sign, and the worst value per step with which a trial goes on; `report` ends it otherwise.
        stage: the stage the trial belongs to; by it an objective knows its own pre-flight checks.
    """

    rng: np.random.Generator
    budget: int | None = None
    state: Mapping[str, Any] | None = None
    deadline: float | None = None
    bar: Bar | None = None
    stage: str = ""
    _points: dict[str, dict[int, float]] = field(default_factory=dict, repr=False)

    def report(self, step: int, **metrics: float) -> None:
        """Add one point to the curve of each metric; a step reported twice keeps the later value.

        Raises:
            Lagging: the study stops trials early and this one lags; let it through.
        """
        for name, value in metrics.items():
            if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
                raise SettingError(must_be(f"Metric {name!r}", "a number", value, "Report one float per metric."))
            self._points.setdefault(name, {})[int(step)] = float(value)
        self._check_bar(int(step), metrics)

    def _check_bar(self, step: int, metrics: Mapping[str, float]) -> None:
        """End the trial where its curve lags; NaN lags too."""
        if self.bar is None or step not in self.bar[2] or self.bar[0] not in metrics:
            return
        curve, sign, worst = self.bar
        if not sign * metrics[curve] <= worst[step]:
            was, limit = metrics[curve], sign * worst[step]
            raise Lagging(f"{curve} was {was:.4g} at step {step}, and half of the earlier trials had {limit:.4g} or better")

    @property
    def history(self) -> dict[str, Curve]:
        """Everything reported so far, one curve per metric."""
        return {name: tuple(sorted(points.items())) for name, points in self._points.items()}

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline; infinite without one."""
        return math.inf if self.deadline is None else self.deadline - time.monotonic()


@runtime_checkable
class Objective(Protocol):
    """Trains and scores one point of a space; knows nothing of strategies, MLflow or joblib.

    Law: the answer depends on ``params`` and ``context`` alone; raising ends this trial and no other. Params arrive
    resolved (a chosen template is an object with its ranges filled in). Optional attributes a study looks for:
    ``parameters`` (names it accepts), ``required`` (names it cannot do without), ``check(params)`` (refuses a bad value
    before the first trial), ``measure`` (what its value is, as in "validation error"), ``data`` (a `hpsearch.data.Dataset`),
    ``test(params, context, part)`` (scores on a test part), ``shrunk()`` (the same objective on a small part of its data,
    for ``--smoke``), ``preflight(space)`` (a generator like a strategy's search, of checks in stages named
    ``pre-flight: ...``, for strategies with ``preflight=True``; it returns the space to search, or None where a check found
    a bug), ``export(params, context)`` (returns the trial's trained network as `Exported`, from ``context.state`` where there
    is one: the best is logged as a model), ``ranges`` (first ranges for required names that such a study's space leaves out),
    ``facts`` (texts to record beside the versions), ``prepare()`` (loads what trials need into a process, outside their time).
    """

    def __call__(self, params: Params, context: Context) -> Outcome: ...


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
