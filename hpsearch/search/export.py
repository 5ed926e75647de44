"""The best trial's network, kept as a model: from the state at hand, else trained again from the seed to the same bits."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hpsearch.errors import HpsearchError, StudyError
from hpsearch.execution.isolation import Limits
from hpsearch.execution.task import trial_context
from hpsearch.ports import Exported
from hpsearch.search.rerun import rerun
from hpsearch.trial import Trial, root

if TYPE_CHECKING:
    from hpsearch.search.result import Result
    from hpsearch.study import Study

logger = logging.getLogger(__name__)
# Of a study's limit on wall-clock time, what training the best network once more may take beyond it without being asked to.
_BEYOND = 0.1


@dataclass
class Leader:
    """The model state of the best trial so far: a cache, for the study may choose another trial in the end."""

    number: int = -1
    state: Mapping[str, Any] | None = None
    value: float = math.inf

    def look(self, trial: Trial) -> None:
        """Take over the state of a better trial; of equal ones that of the earlier number."""
        state = None if trial.outcome is None else trial.outcome.state
        if state is None or not trial.ok or trial.check:
            return
        if (trial.value, trial.number) < (self.value, self.number):
            self.number, self.state, self.value = trial.number, state, trial.value


def offered(study: Study) -> bool:
    """Return whether the study's objective can hand out a trained network."""
    return callable(getattr(study.objective, "export", None))


def export(study: Study, trial: Trial, trials: Sequence[Trial], leader: Leader | None = None) -> Exported:
    """Return the network of a finished trial.

    Where it has to be trained again and does not come out bit-identical to the record, the network's ``note`` says so.

    Raises:
        StudyError: the trial did not finish when it was run again.
    """
    state, note = (leader.state, "") if leader is not None and leader.number == trial.number else _again(study, trial, trials)
    task = study.task(trial, root(trial, {t.number: t for t in trials}))
    context = trial_context(replace(task, state=state, limits=Limits()))
    exported: Exported = study.objective.export(task.params, context)  # type: ignore[attr-defined]
    return replace(exported, note=note)


def _again(study: Study, trial: Trial, trials: Sequence[Trial]) -> tuple[Mapping[str, Any] | None, str]:
    """Train a trial again; return its state, and a sentence where it differs from the record."""
    found = rerun(study, trial, trials, keep_state=True)
    if found.again.outcome is None or not found.again.ok:
        raise StudyError(f"Trial {trial.number} was run again for its network and did not finish: {found.again.error}.")
    changed = "; ".join(found.differences)
    where = "on another machine or with other libraries bits may differ"
    note = f"Trained again for this model, trial {trial.number} came out differently ({changed}): {where}." if changed else ""
    return found.again.outcome.state, note


def with_model(result: Result, asked: bool | None) -> Result:
    """Return the result of a study that has just ended with its best network logged; nothing here can fail the study.

    ``asked`` None stands aside where the network would have to be trained again long after the study's time is up.
    """
    if asked is False or not offered(result.study) or not any(trial.ok and not trial.check for trial in result.trials):
        return result
    try:
        if asked is None and _too_long(result):
            seconds = f"{result.best.seconds:.0f} s"
            logger.warning("The best network was not logged: training it again takes %s, and the time is up.", seconds)
            return result
        return replace(result, model=result.log_model())
    except Exception as error:  # of whatever kind: the trials are done and recorded
        kind = "" if isinstance(error, HpsearchError) else f"{type(error).__name__}: "
        logger.warning("The best network was not logged: %s%s", kind, error)
        return result


def _too_long(result: Result) -> bool:
    limit = None if result.study.stop is None else result.study.stop.seconds
    at_hand = result.leader is not None and result.leader.number == result.best.number
    return limit is not None and not at_hand and result.best.seconds > _BEYOND * limit
