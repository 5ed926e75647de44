"""Export of a trial's model: a network from the kept state of the incumbent, or trained again; an estimator fitted again."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hpsearch.checks import choice
from hpsearch.data.vault import closed
from hpsearch.errors import StudyError
from hpsearch.execution.blas import one_thread
from hpsearch.execution.task import own_objects, trial_context
from hpsearch.ports import Exported, ExportedEstimator, Limits, Predictions
from hpsearch.search.config import StudyConfig
from hpsearch.search.rerun import rerun
from hpsearch.trial import Trial, root


def can_export(study: StudyConfig) -> bool:
    """Return whether the study's objective hands out trained networks."""
    return "export" in study.adapted.capabilities


def can_refit(study: StudyConfig) -> bool:
    """Return whether the study's objective hands out fitted estimators."""
    return "refit" in study.adapted.capabilities


def refit(study: StudyConfig, trial: Trial, trials: Sequence[Trial], rows: str) -> Any:
    """Return the estimator of a finished trial, fitted again by its random numbers.

    Args:
        study: whose objective fits it.
        trial: one of ``trials``.
        trials: all of the study's.
        rows: ``"all"``, of training and validation part, or ``"training"``.
    """
    choice("rows", rows, ("all", "training"))
    task = replace(study.task(trial, root(trial, {t.number: t for t in trials})), limits=Limits())
    if rows == "all":  # whatever part of the training rows the trial had
        task = replace(task, in_rows=False)
    with one_thread(), closed():  # as in a trial
        objective, task = own_objects(study.adapted, task)
        return objective.refit(task.params, trial_context(task), rows)


def can_predict(study: StudyConfig) -> bool:
    """Return whether the study's objective predicts the rows that it scores trials on."""
    return "predictions" in study.adapted.capabilities


def predict(study: StudyConfig, trial: Trial, trials: Sequence[Trial], state: BestState | None = None) -> Predictions:
    """Return what a finished trial predicts for held-out rows: from its kept state, or trained again to the same bits."""
    kept = state.state if state is not None and state.number == trial.number else None
    task = study.task(trial, root(trial, {t.number: t for t in trials}))
    with one_thread(), closed():  # as in a trial
        objective, task = own_objects(study.adapted, replace(task, state=kept, limits=Limits()))
        return objective.predictions(task.params, trial_context(task))


def export_estimator(
    study: StudyConfig, trial: Trial, trials: Sequence[Trial], trusted: Collection[str] = ()
) -> ExportedEstimator:
    """Return the estimator of a finished trial, fitted on training and validation rows, with two rows as its example.

    Raises:
        StudyError: skops cannot store it, or finds types that are not among the ``trusted`` ones.
    """
    from hpsearch.objectives.estimator_file import types_to_trust

    fitted = refit(study, trial, trials, "all")
    if study.data is None:
        raise StudyError(f"Study {study.name!r} has no data set from which an example could be taken.")
    example = study.data.validation.head(2).x
    outputs = np.asarray(fitted.predict(example))
    return ExportedEstimator(fitted, example, outputs, study.data.train.x, types_to_trust(fitted, example, trusted))


def export(study: StudyConfig, trial: Trial, trials: Sequence[Trial], state: BestState | None = None) -> Exported:
    """Return the network of a finished trial.

    Where it has to be trained again and does not come out bit-identical to the record, the network's ``note`` says so.

    Raises:
        StudyError: the trial did not finish when it was run again.
    """
    if state is not None and state.number == trial.number:
        kept, note = state.state, ""
    else:
        kept, note = _retrain(study, trial, trials)
    task = study.task(trial, root(trial, {t.number: t for t in trials}))
    objective, task = own_objects(study.adapted, replace(task, state=kept, limits=Limits()))
    return replace(objective.export(task.params, trial_context(task)), note=note)


def _retrain(study: StudyConfig, trial: Trial, trials: Sequence[Trial]) -> tuple[Mapping[str, Any] | None, str]:
    """Train a trial again; return its state, and a sentence where it differs from the record."""
    found = rerun(study, trial, trials, keep_state=True)
    if found.again.outcome is None or not found.again.ok:
        raise StudyError(f"Trial {trial.number} was run again for its network and did not finish: {found.again.error}.")
    changed = "; ".join(found.differences)
    where = "on another machine or with other libraries bits may differ"
    note = f"Trained again for this model, trial {trial.number} came out differently ({changed}): {where}." if changed else ""
    return found.again.outcome.state, note


@dataclass
class BestState:
    """The model state of the incumbent: a cache, since the study may choose another trial in the end."""

    number: int = -1
    state: Mapping[str, Any] | None = None
    value: float = math.inf

    def update(self, trial: Trial) -> None:
        """Take over the state of a better trial; of equal ones that of the earlier number."""
        state = None if trial.outcome is None else trial.outcome.state
        if state is None or not trial.ok or trial.is_preflight:
            return
        if (trial.value, trial.number) < (self.value, self.number):
            self.number, self.state, self.value = trial.number, state, trial.value
