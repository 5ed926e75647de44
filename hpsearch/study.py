"""The study: a space, an objective, a strategy and a seed under one name; and the loop that runs them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.errors import InputError, StudyError, did_you_mean, must_be
from hpsearch.execution import AnyObjective, Backend, Execution, Task, takes_context
from hpsearch.facts import describe, facts, home
from hpsearch.ports import Batch, Proposal, Recorded, Search, Strategy, StudyRecord, Tracker
from hpsearch.progress import Progress
from hpsearch.replay import Replay
from hpsearch.result import Result
from hpsearch.space import Space
from hpsearch.trial import Params, Status, Trial

# The first number of a spawn key says what the random numbers are for.
_STRATEGY, _TRIAL = 0, 2


@dataclass(frozen=True)
class Study:
    """One question: which params of ``space`` make ``objective`` smallest, asked in the order of ``strategy``.

    Args:
        name: what the study is called in the store; a second run under the same name goes on with it.
        space: the ranges searched.
        objective: ``f(params) -> float | dict`` or ``f(params, context) -> Outcome``, or an object that can be so called.
        strategy: what proposes the trials, such as ``Random(trials=64)``.
        seed: decides every random number of the study; the trial table depends on nothing else.
        maximize: whether larger values are better.
        question: one sentence for the record; the docstring of the file that defines the study where left out.
    """

    name: str
    space: Space
    objective: AnyObjective
    strategy: Strategy
    seed: int = 0
    maximize: bool = False
    question: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip() or not self.name.isprintable() or len(self.name) > 200:
            constraint = "a printable text of 1 to 200 characters"
            raise StudyError(must_be("A study's name", constraint, self.name, "Name it as in 'mnist-random'."))
        if not isinstance(self.space, Space) or not len(self.space):
            raise StudyError(must_be("A study's space", "a Space with parameters", self.space, "Write Space(x=Float(0, 1))."))
        if not callable(self.objective) or isinstance(self.objective, type):
            advice = "Give f(params), or TrainNetwork(...)."
            raise StudyError(must_be("A study's objective", "callable", self.objective, advice))
        if not callable(getattr(self.strategy, "search", None)) or isinstance(self.strategy, type):
            raise StudyError(must_be("A study's strategy", "a strategy", self.strategy, "Write Random(trials=32)."))
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise StudyError(must_be("A study's seed", "a whole number >= 0", self.seed, "Try 0."))
        if not self.question:
            object.__setattr__(self, "question", _docstring_of_caller())
        self._check_objective()

    def run(
        self,
        jobs: int | None = None,
        *,
        backend: Backend = "loky",
        tracker: Tracker | None = None,
        fresh: bool = False,
        progress: Callable[[Progress], None] | None = None,
        source: Path | None = None,
    ) -> Result:
        """Run the study, or go on with it where an earlier run ended.

        Args:
            jobs: trials side by side; None takes all cores. The result does not depend on it.
            backend: ``"loky"`` (processes), ``"threading"`` or ``"sequential"``.
            tracker: where trials are recorded; None takes MLflow, in the project that holds the running script.
            fresh: start anew instead of going on with what is recorded under this name.
            progress: called after every trial.
            source: the file that defines the study, for the record.
        Raises:
            StudyError: the record under this name is of a different study.
            TrackingError: the store cannot be used.
        """
        execution = Execution(jobs, backend)
        tracker = tracker or _default_tracker(source)
        record = self.record(source)
        recorded = None if fresh else tracker.find(record)
        replay = Replay(record, recorded or Recorded())
        loop = _Loop(self, execution, tracker, replay, record, fresh, progress)
        return Result(self, loop.run(), record, tracker, replay.count)

    def result(self, tracker: Tracker | None = None, source: Path | None = None) -> Result:
        """Return the result as recorded so far, without running anything.

        Raises:
            StudyError: nothing is recorded under this name, or it is of a different study.
        """
        tracker = tracker or _default_tracker(source)
        record = self.record(source)
        recorded = tracker.find(record)
        if recorded is None or not recorded.trials:
            raise StudyError(f"Study {self.name!r} has no recorded trials yet. Run it first.")
        replay = Replay(record, recorded)
        return Result(self, recorded.trials, record, tracker, replay.count)

    def smoke(self) -> Study:
        """Return this study shrunk to two trials of one epoch on a small part of the data, for a check in seconds."""
        shrink = getattr(self.objective, "shrunk", None)
        objective = shrink() if callable(shrink) else self.objective
        return replace(self, name=f"{self.name}-smoke", objective=objective, strategy=_Smoke(self.strategy))

    def record(self, source: Path | None = None) -> StudyRecord:
        """Return what identifies this study in a store."""
        data: Any = getattr(self.objective, "data", None)
        identity = {
            "space": repr(self.space),
            "objective": describe(self.objective),
            "strategy": describe(self.strategy),
            "seed": str(self.seed),
            "direction": "maximize" if self.maximize else "minimize",
        }
        if hasattr(data, "checksum"):
            identity["data"] = f"{data!r} sha256 {data.checksum[:16]}"
        tags = {"reproduction": "true"} if getattr(data, "reproduction", False) else {}
        folder = source.parent if source else home()
        text = str(source) if source else None
        measure = str(getattr(self.objective, "measure", "value"))
        return StudyRecord(self.name, self.question, identity, facts(folder), self.space, self.maximize, text, measure, tags)

    def task(self, trial: Trial) -> Task:
        """Return what a worker needs to run ``trial``: the resolved params, and the trial's own random numbers."""
        sign = -1 if self.maximize else 1
        return Task(trial, self.space.resolve(trial.params), self.seed, (_TRIAL, trial.number), sign)

    def search(self) -> Search:
        """Start the strategy with its own random numbers."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(_STRATEGY,)))
        return self.strategy.search(self.space, rng)

    def _check_objective(self) -> None:
        """Refuse what would make every trial fail: names the objective does not know or misses, values it refuses."""
        takes_context(self.objective)
        objective: Any = self.objective
        name, given = type(objective).__name__, [key for key, _ in self.space.given]
        accepted = getattr(objective, "parameters", given)
        for key in given:
            if key not in accepted:
                known = ", ".join(map(repr, sorted(accepted)))
                raise StudyError(f"Unknown parameter {key!r} for {name}; it takes {known}.{did_you_mean(key, accepted)}")
        for key in sorted(getattr(objective, "required", ())):
            if key not in given:
                advice = f"Add {key}=Float(...) to the space, or give the objective {key}=."
                raise StudyError(must_be(f"Parameter {key!r} of {name}", "in the space or fixed", given, advice))
        check = getattr(objective, "check", None)
        for params in self.space.corners():
            resolved = self._resolved(params)
            if callable(check):
                check(resolved)

    def _resolved(self, params: Params) -> Params:
        try:
            return self.space.resolve(params)
        except InputError:
            raise
        except (TypeError, ValueError) as error:
            raise StudyError(f"The space cannot fill in a template: {error} Change the template's ranges.") from error


@dataclass(frozen=True)
class _Smoke:
    """The first two proposals of another strategy, one epoch each."""

    strategy: Strategy

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        first = next(self.strategy.search(space, rng, known))
        yield Batch([replace(proposal, budget=1) for proposal in first.proposals[:2]], first.stage)


@dataclass
class _Loop:
    """One run of a study: ask the strategy, replay what is recorded, run the rest, write it down."""

    study: Study
    execution: Execution
    tracker: Tracker
    replay: Replay
    record: StudyRecord
    fresh: bool
    progress: Callable[[Progress], None] | None
    trials: dict[int, Trial] = field(default_factory=dict)
    started: bool = False

    def __post_init__(self) -> None:
        total = getattr(self.study.strategy, "trials", None)
        self.state = Progress(total=total, jobs=self.execution.jobs, found=self.replay.found)

    def run(self) -> list[Trial]:
        try:
            with self.execution:
                self._search()
            self.replay.check_all_used(len(self.trials), self.record)
            if self.started or not self.replay.recorded.finished:
                self._start()
                self.tracker.finish("finished", self._in_order())
        except BaseException as error:
            if self.started:
                asked_to_end = isinstance(error, (KeyboardInterrupt, SystemExit))
                self.tracker.finish("killed" if asked_to_end else "failed", self._in_order())
            raise
        return self._in_order()

    def _search(self) -> None:
        search = self.study.search()
        try:
            batch = next(search)
            while True:
                batch = search.send(self._run_batch(batch))
        except StopIteration:
            return

    def _run_batch(self, batch: Batch) -> list[Trial]:
        """Return the batch's trials in the order proposed, running those that no record holds."""
        first = len(self.trials)
        asked = [self._asked(first + i, p, batch.stage) for i, p in enumerate(batch.proposals)]
        done = {t.number: t for t in (self.replay.find(trial) for trial in asked) if t is not None}
        self.trials.update(done)
        self.state.replayed(done.values(), proposed=first + len(asked))
        missing = [self.study.task(trial) for trial in asked if trial.number not in done]
        if missing:
            self._start()
        for trial in self.execution.run(self.study.objective, missing):
            self.trials[trial.number] = trial
            self.tracker.record(trial)
            self.state.ended(trial)
            self._show()
        return [self.trials[trial.number] for trial in asked]

    def _asked(self, number: int, proposal: Proposal, stage: str) -> Trial:
        self.study.space.check(proposal.params)
        return Trial(
            number, dict(proposal.params), stage, Status.FAILED,
            budget=proposal.budget, continues=proposal.continues, replicate=proposal.replicate,
        )  # fmt: skip

    def _start(self) -> None:
        if not self.started:
            self.tracker.start(self.record, self.fresh)
            self.started = True
            self._show()

    def _show(self) -> None:
        if self.progress is not None:
            self.progress(self.state)

    def _in_order(self) -> list[Trial]:
        return [self.trials[number] for number in sorted(self.trials)]


def _default_tracker(source: Path | None) -> Tracker:
    from hpsearch.tracking import MlflowTracker, project_root

    return MlflowTracker(root=project_root(source.parent if source else home()))


def _docstring_of_caller() -> str:
    """Return the first line of the docstring of the module in which the study is written."""
    for frame in inspect.stack(context=0)[1:]:
        module = frame.frame.f_globals.get("__name__", "")
        if module.split(".")[0] != "hpsearch" and module != "dataclasses" and "<string>" not in frame.filename:
            text: Any = frame.frame.f_globals.get("__doc__") or ""
            return str(text).strip().split("\n")[0]
    return str(sys.modules["__main__"].__doc__ or "").strip()
