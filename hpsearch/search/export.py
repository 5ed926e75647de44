"""Export of a trial's network: from the kept state of the incumbent, else trained again from the seed to the same bits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hpsearch.errors import StudyError
from hpsearch.execution.isolation import Limits
from hpsearch.execution.task import own_objects, trial_context
from hpsearch.ports import Exported
from hpsearch.search.config import StudyConfig
from hpsearch.search.rerun import rerun
from hpsearch.trial import Trial, root


def can_export(study: StudyConfig) -> bool:
    """Return whether the study's objective hands out trained networks."""
    return "export" in study.adapted.capabilities


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
