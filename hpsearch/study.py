"""The study: a space, an objective, a strategy and a seed under one name, and how it is run."""

from __future__ import annotations

import builtins
import inspect
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from hpsearch.content import html
from hpsearch.errors import RecordChanged, StudyError
from hpsearch.execution.local import Backend, Local
from hpsearch.execution.select import AnyExecutor, select_executor
from hpsearch.ports import Batch, ObjectiveBase, Recorded, Search, StrategyBase, Tracker
from hpsearch.search.admission import check_limits, check_objective, check_parts, check_run
from hpsearch.search.config import StudyConfig
from hpsearch.search.export import BestState, can_export
from hpsearch.search.loop import Loop, RunSettings
from hpsearch.search.progress import Progress
from hpsearch.search.replay import Replay
from hpsearch.search.result import Result, with_model
from hpsearch.search.source_file import calling_file, defining_file, is_only_loaded
from hpsearch.space import Space
from hpsearch.trial import Trial

logger = logging.getLogger(__name__)
Searched = TypeVar("Searched")
# The last note of a study of checks alone, where they found no bug.
CHECKS_PASSED = "All checks passed."


@dataclass(frozen=True)
class Study(StudyConfig):
    """One question: which params of ``space`` make ``objective`` smallest, asked in the order of ``strategy``.

    Args:
        name: what the study is called in the store; a second run under the same name resumes it.
        space: the ranges searched. Each trial gets its own copies of options that are objects.
        objective: ``f(params) -> float | dict`` or ``f(params, context) -> Outcome``, or an object that can be so called. Each
            trial calls its own copy of an object, so what one trial changes in it never reaches another. A function cannot be
            copied: what it keeps in a closure or a global between trials may differ from backend to backend.
        strategy: what proposes the trials, such as ``Random(trials=64)``.
        seed: decides every random number of the study; the trial table depends on nothing else.
        maximize: whether larger values are better; an objective with ``scoring`` knows it.
        question: one sentence for the record; the docstring of the file that defines the study where left out.
        first: settings of your own, tried before the strategy's; what one leaves out is drawn from the seed.
        known: finished trials of an earlier study, for strategies that learn. Those that are points of the space are taken,
            and a line in the log says how many are not.
        replicates: how often each setting is run, under seeds 0, 1, ... that all settings share.
        confirm: how many of the best settings are run again at the end, under ``confirm_replicates`` fresh seeds each.
        select: how the best setting is chosen, see `hpsearch.trial.selection.select`.
        stop: rules that end the study before its strategy does.
        early_stop: rule that ends single trials whose curve lags behind those of earlier batches.
        trial_seconds: wall-clock limit of one attempt at a trial; a trial beyond it is ended, as timed out.
        trial_megabytes: memory (in 2**20 bytes) one trial may take beyond what its worker holds before it; a trial beyond it
            is ended, as out of memory.
        retries: how often a trial whose process died is run again before it is recorded as died.
    """

    def __post_init__(self) -> None:
        check_parts(self)
        super().__post_init__()
        object.__setattr__(self, "file", defining_file())
        if not self.question:
            object.__setattr__(self, "question", _docstring_of_caller())
        check_objective(self)

    def run(
        self,
        jobs: int | None = None,
        *,
        backend: Backend = "loky",
        tracker: Tracker | None = None,
        fresh: bool = False,
        retry: bool | None = None,
        progress: Callable[[Progress], None] | Literal["auto"] | None = "auto",
        model: bool | None = None,
        source: Path | None = None,
        report: bool | None = None,
        accept_change: bool = False,
        executor: AnyExecutor = None,
    ) -> Result:
        """Run the study, or resume it where an earlier run ended.

        Args:
            jobs: trials side by side; None takes all cores. The result does not depend on it.
            backend: ``"loky"`` (processes), ``"threading"`` or ``"sequential"``.
            tracker: where trials are recorded; None takes MLflow, in the project of the file that defines the study, else in
                that of the current folder.
            fresh: drop what is recorded under this name and start anew.
            retry: run recorded trials that did not finish again; None does so for a strategy that promises to be complete.
            progress: a function that is called after every trial; ``"auto"`` shows a bar, the best so far, running trials and
                failures in a notebook and on a terminal, and nothing elsewhere; None shows nothing.
            model: whether to log the best network, where the objective trains one; None does so unless it would take long
                beyond the study's time limit.
            source: the file that defines the study, for the record; None takes the file in which it was made.
            report: whether the pictures, the report and the table of all trials are attached to the record at the end; None
                does so where the record outlives the process. They are left alone where no trial was run since.
            accept_change: resume although the objective has changed. The trials recorded so far are marked as those of an
                earlier objective; space, strategy and seed must be the same.
            executor: where trials run: ``"local"`` (this machine, as None), the address of a Dask scheduler such as
                ``"dask://HOST:8786"``, a Dask client, or an `hpsearch.ports.Executor`. The result does not depend on it.
        Raises:
            StudyError: the record under this name is of a different study, or the executor cannot be used or keep its limits.
            ExecutorError: the executor was lost while the study ran; the same call resumes it.
            TrackingError: the store cannot be used.
        """
        check_run(
            progress=progress, tracker=tracker, source=source,
            flags={"fresh": fresh, "accept_change": accept_change}, choices={"retry": retry, "model": model, "report": report},
        )  # fmt: skip
        source = source or self.file
        # A study in memory has no record to be read instead, such as that of a `SearchCV` without a name.
        if (tracker is None or tracker.lasting) and is_only_loaded(self.name):
            return self.result(tracker, source)
        executor = select_executor(executor, jobs, backend)
        check_limits(self, executor)
        tracker = tracker or _default_tracker(source)
        wanted = tracker.lasting if report is None else report
        retried = self.proposer.complete if retry is None else retry

        def search() -> tuple[Result, Recorded | None, Progress]:
            tracked = self.tracked(source)
            recorded = None if fresh else tracker.find(tracked)
            study = self.as_recorded(recorded)
            tracked = study.tracked(source) if study is not self else tracked
            replay = Replay(
                tracked.record,
                recorded or Recorded(),
                retried,
                identity_v1=lambda: study.identity_v1,
                accept_change=accept_change,
            )
            again = replace(tracked, record=replay.record)
            settings = RunSettings(study, executor, tracker, again, replay, fresh, called)
            needed = can_export(study) and (wanted or model is not False)
            loop = Loop(settings, BestState() if needed else None)
            trials = loop.run()
            result = Result(
                study, trials, replay.record, tracker, replay.count, loop.state.notes, loop.best_state, reporter=_report
            )
            return result, recorded, loop.state

        from hpsearch.display import select_display  # loaded late, as it is not needed to define a study

        with _autologging_paused(), select_display(progress, self.maximize) as called:
            result, recorded, state = _until_unchanged(search)
            ready = recorded is not None and recorded.attached and result.taken_over == len(result.trials)
            if wanted and not ready:
                state.doing = "drawing the report"
                processes = executor.processes if isinstance(executor, Local) else 0
                result = replace(result, unreported=_attach_report(result, processes))
            state.doing = "saving the model"
            return with_model(result, model)

    def _repr_html_(self) -> str:
        """Return what a notebook shows of the study."""
        texts = {
            "question": self.question,
            "objective": repr(self.objective),
            "strategy": repr(self.strategy),
            "seed": str(self.seed),
        }
        texts |= {name: repr(domain) for name, domain in self.space.domains.items()}
        return html.listing(f"Study {self.name}", {name: text for name, text in texts.items() if text})

    def result(self, tracker: Tracker | None = None, source: Path | None = None) -> Result:
        """Return the result as recorded so far, without running anything.

        Raises:
            StudyError: nothing is recorded under this name, or it is of a different study.
        """
        source = source or self.file
        tracker = tracker or _default_tracker(source)
        with _autologging_paused():
            tracked = self.tracked(source)
            recorded = tracker.find(tracked)
        if recorded is None or not recorded.trials:
            raise StudyError(f"Study {self.name!r} has no recorded trials yet. Run it first.")
        study = self.as_recorded(recorded)
        tracked = study.tracked(source) if study is not self else tracked
        replay = Replay(tracked.record, recorded, read_only=True, identity_v1=lambda: study.identity_v1)
        return Result(study, recorded.trials, replay.record, tracker, replay.count, reporter=_report)

    def smoke(self) -> Study:
        """Return this study shrunk to two trials of one epoch on a small part of the data, for a check in seconds."""
        own, _ = self.copies.of(self.adapted)
        objective = own.shrunk() if "shrunk" in own.capabilities else self.objective
        small = replace(self, objective=objective, strategy=_Smoke(self.proposer), first=(), confirm=0, replicates=1)
        return replace(small, name=f"{self.name}-smoke")

    def checks(self) -> Study:
        """Return this study cut down to its objective's pre-flight checks, whatever its strategy does with them.

        Raises:
            StudyError: the objective has none.
        """
        if "preflight" not in self.adapted.capabilities:
            kind = type(self.objective).__name__ if isinstance(self.objective, ObjectiveBase) else "the function"
            raise StudyError(f"Study {self.name!r} has no pre-flight checks, because its objective, {kind}, has none.")
        bare = replace(self, first=(), known=(), replicates=1, confirm=0, stop=None, early_stop=None)
        return replace(bare, name=f"{self.name}-checks", strategy=_ChecksAlone())


@dataclass(frozen=True)
class _ChecksAlone(StrategyBase):
    """No trials beside the objective's pre-flight checks."""

    preflight: bool = True

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        yield Batch((), note=CHECKS_PASSED)


@dataclass(frozen=True)
class _Smoke(StrategyBase):
    """The first two proposals of another strategy, one epoch each."""

    strategy: StrategyBase

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        first = next(self.strategy.search(space, rng, known))
        yield Batch([replace(proposal, budget=1) for proposal in first.proposals[:2]], first.stage)


def _until_unchanged(search: Callable[[], Searched]) -> Searched:
    """Return what a search found; where another process recorded trials before it could start, it reads them first."""
    while True:
        try:
            return search()
        except RecordChanged:
            logger.warning("Another process ran this study until just now; its trials are read.")


def _autologging_paused() -> AbstractContextManager[None]:
    """Return a context in which MLflow logs no fit by itself: those of trials, and that of the trivial answer."""
    from hpsearch.tracking.autolog import paused  # loaded late, as every tracker

    return paused()


def _default_tracker(source: Path | None) -> Tracker:
    from hpsearch.tracking import MlflowTracker
    from hpsearch.tracking.store import store_root

    return MlflowTracker(root=store_root(source or calling_file()))


def _report(result: Result) -> str:
    """Return the report as a page."""
    from hpsearch.report.report import report  # loaded late, with what draws

    with _autologging_paused():
        return report(result)


def _attach_report(result: Result, jobs: int) -> str:
    """Attach the report; return an empty text, or why it could not be: drawing never fails a study that is done.

    Args:
        result: of the study.
        jobs: how many worker processes have just run trials; they draw the pictures.
    """
    try:
        from hpsearch.report.report import files

        result.tracker.attach(result.record, files(result, jobs))
    except Exception as error:
        lines = str(error).splitlines() or [type(error).__name__]
        return f"The report could not be made (the study itself is recorded): {lines[0]}"
    return ""


# IPython gives these to modules that it makes itself.
_AUTOMATIC = ("Automatically created module for IPython", "Module created for script run in IPython")


def _docstring_of_caller() -> str:
    """Return the first line of the docstring of the module in which the study is written, where its author wrote one."""
    for frame in inspect.stack(context=0)[1:]:
        module = str(frame.frame.f_globals.get("__name__", ""))
        if module.split(".")[0] != "hpsearch" and module not in ("dataclasses", "copy"):
            text: Any = frame.frame.f_globals.get("__doc__")
            own = isinstance(text, str) and text != builtins.__doc__ and not text.startswith(_AUTOMATIC)
            return str(text).strip().split("\n")[0] if own else ""
    return ""
