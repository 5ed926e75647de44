"""The study: a space, an objective, a strategy and a seed under one name; and the loop that runs them."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.errors import StudyError
from hpsearch.execution.executor import Backend, Execution, describe_blas
from hpsearch.execution.isolation import Limits
from hpsearch.execution.task import AnyObjective, Task
from hpsearch.ports import Batch, DataRecord, Preflight, Recorded, Search, Strategy, StudyRecord, Tracker
from hpsearch.search.admission import check_limits, check_objective, check_parts
from hpsearch.search.batches import confirmed, given, replicated
from hpsearch.search.environment import facts, home
from hpsearch.search.export import Leader, offered, with_model
from hpsearch.search.identity import describe
from hpsearch.search.loop import Loop
from hpsearch.search.progress import Progress
from hpsearch.search.replay import Replay
from hpsearch.search.result import Result
from hpsearch.search.stopping import MedianStop, Stop
from hpsearch.space import Space
from hpsearch.trial import CONFIRM, Candidate, Params, Rule, Trial, candidates, select

# The first number of a spawn key says what the random numbers are for.
_STRATEGY, _REPLICATE, _TRIAL, _SELECTION = 0, 1, 2, 3


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
        first: settings of your own, tried before the strategy's.
        known: finished trials of an earlier study of the same space, for strategies that learn.
        replicates: how often each setting is run, under seeds 0, 1, ... that all settings share.
        confirm: how many leaders are run again at the end, under ``confirm_replicates`` fresh seeds each.
        select: how the best setting is chosen, see `hpsearch.trial.selection.select`.
        stop: rules that end the study before its strategy does.
        early_stop: rule that ends single trials whose curve lags behind those of earlier batches.
        trial_seconds: wall-clock limit of one trial; a trial beyond it is ended, as timed out.
        trial_megabytes: memory (in 2**20 bytes) one trial may take beyond what its worker holds before it; a trial beyond it
            is ended, as out of memory.
        retries: how often a trial whose process died is run again before it is recorded as died.
    """

    name: str
    space: Space
    objective: AnyObjective
    strategy: Strategy
    seed: int = 0
    maximize: bool = False
    question: str = field(default="", compare=False)
    first: Sequence[Params] = ()
    known: Sequence[Trial] = ()
    replicates: int = 1
    confirm: int = 0
    confirm_replicates: int = 5
    select: Rule = "mean"
    stop: Stop | None = None
    early_stop: MedianStop | None = None
    trial_seconds: float | None = None
    trial_megabytes: float | None = None
    retries: int = 1

    def __post_init__(self) -> None:
        check_parts(self)
        if not self.question:
            object.__setattr__(self, "question", _docstring_of_caller())
        if self._preflight:
            object.__setattr__(self, "space", self._with_first_ranges())
        check_objective(self)

    def run(
        self,
        jobs: int | None = None,
        *,
        backend: Backend = "loky",
        tracker: Tracker | None = None,
        fresh: bool = False,
        retry: bool | None = None,
        progress: Callable[[Progress], None] | None = None,
        model: bool | None = None,
        source: Path | None = None,
        report: bool | None = None,
    ) -> Result:
        """Run the study, or go on with it where an earlier run ended.

        Args:
            jobs: trials side by side; None takes all cores. The result does not depend on it.
            backend: ``"loky"`` (processes), ``"threading"`` or ``"sequential"``.
            tracker: where trials are recorded; None takes MLflow, in the project that holds the running script.
            fresh: start anew instead of going on with what is recorded under this name.
            retry: run recorded trials that did not finish again; None does so for a strategy that promises to be complete.
            progress: called after every trial.
            model: whether to log the best network, where the objective trains one; None does so unless it would take long
                beyond the study's time limit.
            source: the file that defines the study, for the record.
            report: whether the pictures, the report and the table of all trials are attached to the record at the end; None
                does so where the record outlives the process. They are left alone where no trial was run since.
        Raises:
            StudyError: the record under this name is of a different study, or the backend cannot keep its limits.
            TrackingError: the store cannot be used.
        """
        execution = Execution(jobs, backend)
        check_limits(self, backend)
        tracker = tracker or _default_tracker(source)
        record = self.record(source)
        recorded = None if fresh else tracker.find(record)
        retry = bool(getattr(self.strategy, "complete", False)) if retry is None else retry
        replay = Replay(record, recorded or Recorded(), retry)
        leader = Leader() if model is not False and offered(self) else None
        loop = Loop(self, execution, tracker, replay, record, fresh, progress, leader=leader)
        result = Result(self, loop.run(), record, tracker, replay.count, loop.state.notes, leader)
        wanted = getattr(tracker, "lasting", True) if report is None else report
        ready = recorded is not None and recorded.attached and replay.count == len(result.trials)
        result = replace(result, unreported=_attach_report(result)) if wanted and not ready else result
        return with_model(result, model)

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
        small = replace(self, objective=objective, strategy=_Smoke(self.strategy), first=(), confirm=0, replicates=1)
        return replace(small, name=f"{self.name}-smoke")

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
        identity |= self._extras()
        if hasattr(data, "checksum"):
            identity["data"] = f"{data!r} sha256 {data.checksum[:16]}"
        tags = {"reproduction": "true"} if getattr(data, "reproduction", False) else {}
        folder = source.parent if source else home()
        text = str(source) if source else None
        measure = str(getattr(self.objective, "measure", "value"))
        known = facts(folder) | {"blas": describe_blas()} | dict(getattr(self.objective, "facts", {}))
        described: Any = getattr(data, "record", None)
        words = described if isinstance(described, DataRecord) else None
        about: dict[str, StudyRecord] = getattr(self.objective, "about", {})
        return StudyRecord(
            self.name, self.question, identity, known, self.space, self.maximize, text, measure, tags, words, self.choose, about
        )

    def task(self, trial: Trial, origin: Trial | None = None) -> Task:
        """Return what a worker needs to run ``trial``: the resolved params, and its own random numbers.

        Those of replicates depend on the replicate alone, so that settings are compared on the same seeds; those of a trial
        that goes on with an earlier one are that one's, its ``origin``.
        """
        paired = self.replicates > 1 or trial.stage == CONFIRM
        key = (_REPLICATE, trial.replicate) if paired else (_TRIAL, (origin or trial).number)
        keep = bool(getattr(self.strategy, "continues", False))
        limits, params = Limits(self.trial_seconds, self.trial_megabytes), self.space.resolve(trial.params)
        return Task(trial, params, self.seed, key, self.sign, limits, keep, retries=self.retries)

    @property
    def sign(self) -> int:
        """-1 where larger values are better, else 1."""
        return -1 if self.maximize else 1

    def search(self) -> Search:
        """Start the whole sequence of batches: the user's own settings, the checks, the strategy, the confirmation."""
        search = self._proposed()
        return confirmed(search, self.confirm, self.confirm_replicates) if self.confirm else search

    def _proposed(self) -> Search:
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(_STRATEGY,)))
        known = list(self.known)
        if self.first:
            known += yield from given(self.first)
        space = self.space if self._preflight is None else (yield from self._preflight(self.space))
        if space is None:
            return
        search = self.strategy.search(space, rng, known)
        yield from search if self.replicates == 1 else replicated(search, self.replicates)

    def choose(self, trials: Sequence[Trial]) -> Candidate | None:
        """Return the setting chosen by the study's rule, or None where no trial finished."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(_SELECTION,)))
        found = candidates(trials)
        return select(found, self.select, self.space, rng) if found else None

    def _extras(self) -> dict[str, str]:
        """Return what else decides the trials, where it is not the default, as text."""
        extras = {
            "first": repr(list(self.first)) if self.first else None,
            "known": hashlib.sha256(repr(list(self.known)).encode()).hexdigest()[:16] if self.known else None,
            "replicates": str(self.replicates) if self.replicates > 1 else None,
            "early_stop": repr(self.early_stop) if self.early_stop is not None else None,
        }
        return {name: text for name, text in extras.items() if text is not None}

    @property
    def _preflight(self) -> Callable[[Space], Preflight] | None:
        """The objective's checks, if it has any and the strategy wants them."""
        offered: Callable[[Space], Preflight] | None = getattr(self.objective, "preflight", None)
        return offered if getattr(self.strategy, "preflight", False) else None

    def _with_first_ranges(self) -> Space:
        """Return the space with the objective's own range for every required name that is left out."""
        ranges, required = getattr(self.objective, "ranges", {}), getattr(self.objective, "required", ())
        missing = {name: ranges[name] for name in sorted(required) if name in ranges and name not in self.space}
        return Space(**dict(self.space.given), **missing) if missing else self.space


@dataclass(frozen=True)
class _Smoke:
    """The first two proposals of another strategy, one epoch each."""

    strategy: Strategy

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        first = next(self.strategy.search(space, rng, known))
        yield Batch([replace(proposal, budget=1) for proposal in first.proposals[:2]], first.stage)


def _default_tracker(source: Path | None) -> Tracker:
    from hpsearch.tracking import MlflowTracker, project_root

    return MlflowTracker(root=project_root(source.parent if source else home()))


def _attach_report(result: Result) -> str:
    """Attach the report; return an empty text, or why it could not be: drawing never fails a study that is done."""
    try:
        from hpsearch.report.report import files

        result.tracker.attach(result.record, files(result))
    except Exception as error:
        lines = str(error).splitlines() or [type(error).__name__]
        return f"The report could not be made (the study itself is recorded): {lines[0]}"
    return ""


def _docstring_of_caller() -> str:
    """Return the first line of the docstring of the module in which the study is written."""
    for frame in inspect.stack(context=0)[1:]:
        module = frame.frame.f_globals.get("__name__", "")
        if module.split(".")[0] != "hpsearch" and module != "dataclasses" and "<string>" not in frame.filename:
            text: Any = frame.frame.f_globals.get("__doc__") or ""
            return str(text).strip().split("\n")[0]
    return str(sys.modules["__main__"].__doc__ or "").strip()
