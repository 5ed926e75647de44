"""Run of the study behind a search, with scikit-learn's manners for candidates that fail."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

from sklearn.exceptions import FitFailedWarning

from hpsearch.execution.task import trial_context
from hpsearch.ports import Tracker
from hpsearch.search.progress import Progress
from hpsearch.search.result import Result
from hpsearch.sklearn.candidate import FAILED_FITS, ScoreEstimator
from hpsearch.sklearn.results import score_names
from hpsearch.study import Study
from hpsearch.trial import Trial


class _Failed(Exception):
    """A candidate that failed where none may fail."""

    def __init__(self, trial: Trial) -> None:
        super().__init__(trial.error)
        self.trial = trial


def run_study(study: Study, objective: ScoreEstimator, jobs: int | None, tracker: Tracker | None) -> Result:
    """Return the result of a study.

    Args:
        study: of the search.
        objective: its objective.
        jobs: how many candidates run side by side; with one they run in this process.
        tracker: where trials are recorded; None takes MLflow.
    Raises:
        ValueError: no candidate could be fitted. With ``error_score="raise"``, what fitting the first of them raised.
    """
    strict = objective.error_score == "raise"
    backend = "sequential" if jobs == 1 else "loky"
    try:
        result = study.run(jobs, backend=backend, tracker=tracker, progress=_Strict() if strict else None)  # type: ignore[arg-type]
    except _Failed as failed:
        _repeat(study, objective, failed.trial)
        raise
    failed_before = next((trial for trial in result.trials if not _has_scores(trial)), None)
    if strict and failed_before is not None:
        _repeat(study, objective, failed_before)
    if not any(_has_scores(trial) for trial in result.trials):
        first = next((trial for trial in result.trials if trial.error), None)
        detail = "" if first is None else f" The first error was:\n{first.traceback or first.error}"
        raise ValueError(f"None of {len(result.trials)} candidates could be fitted and scored.{detail}")
    return result


def warn_of(result: Result, trials: Sequence[Trial]) -> None:
    """Warn once of workers without work, of candidates that failed, and of scores that are no finite numbers."""
    for note in result.notes:
        if "stand idle" in note:  # of a strategy that proposes fewer candidates at a time than there are jobs
            warnings.warn(note, stacklevel=3)
    whole = [trial for trial in trials if not _has_scores(trial)]
    partly = [trial for trial in trials if _has_scores(trial) and trial.outcome and trial.outcome.metrics.get(FAILED_FITS)]
    odd = [trial for trial in trials if trial.outcome and not math.isfinite(trial.outcome.value)]
    if whole or partly:
        first = f" The first error was: {whole[0].error}" if whole else " error_score='raise' shows the error."
        counts = f"{len(whole)} of {len(trials)} candidates failed, and {len(partly)} on some folds."
        warnings.warn(f"{counts}{first}", FitFailedWarning, stacklevel=3)
    elif odd:
        warnings.warn(f"The score of {len(odd)} of {len(trials)} candidates is not finite on some fold.", stacklevel=3)


def _repeat(study: Study, objective: ScoreEstimator, trial: Trial) -> None:
    """Run a failed candidate again in this process, so that its error is raised as it was."""
    task = study.task(trial)
    objective(task.params, trial_context(task))


def _has_scores(trial: Trial) -> bool:
    return bool(score_names([trial]))


class _Strict:
    """Raises for the first candidate that failed, in number order: the same one at any number of jobs."""

    def __init__(self) -> None:
        self.ended: dict[int, Trial] = {}
        self.next = 0

    def __call__(self, progress: Progress) -> None:
        if progress.last is not None:
            self.ended[progress.last.number] = progress.last
        while self.next in self.ended:
            if not _has_scores(trial := self.ended.pop(self.next)):
                raise _Failed(trial)
            self.next += 1
