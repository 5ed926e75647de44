"""Objective of a comparison: one trial is one whole search of one contender under one seed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hpsearch.errors import StudyError
from hpsearch.ports import Context, ObjectiveBase, StudyRecord
from hpsearch.search.identity import describe
from hpsearch.search.stopping import Stop
from hpsearch.study import Study
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Outcome, Params, Status, Trial, best

SEARCH = "search.json"
# The measure of an objective that does not say what its value is.
UNNAMED = ObjectiveBase().measure


@dataclass(frozen=True, repr=False)
class RunArm(ObjectiveBase):
    """Run the study of the contender that ``params["arm"]`` names, under the seed that all contenders of a repetition share.

    The value is the best value found, as the study's own objective returns it.

    Args:
        arms: the contenders, by name.
        trials: the most trials of each search; None leaves it to the strategies.
    """

    arms: tuple[tuple[str, Study], ...]
    trials: int | None = None

    required = frozenset({"arm"})

    def __repr__(self) -> str:
        # From what determines the searches: the repr of a user's own function changes from process to process.
        arms = {name: identity(study) for name, study in self.arms}
        return f"RunArm({arms!r}, trials={self.trials!r})"

    @property
    def measure(self) -> str:
        """What the studies minimise or maximise."""
        return self.arms[0][1].adapted.measure

    @property
    def related(self) -> dict[str, StudyRecord]:
        """The studies of the contenders, by name, to which the record links."""
        return {name: study.record() for name, study in self.arms}

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Return the best value of one search, and the search itself as an artifact."""
        study = dict(self.arms)[params["arm"]]
        seed = int(context.rng.integers(2**31))
        stop = study.stop if self.trials is None else replace(study.stop or Stop(), trials=self.trials)
        result = replace(study, seed=seed, stop=stop).run(
            backend="sequential", tracker=MemoryTracker(), progress=None, report=False, model=False
        )
        found = best(result.trials)
        if not found:
            reason = next((trial.error for trial in result.trials if trial.error), "it has no trials")
            raise StudyError(f"Contender {params['arm']!r} found nothing in {len(result.trials)} trials: {reason}")
        counts = {"trials": float(len(result.trials)), "failed": float(sum(not trial.ok for trial in result.trials))}
        return Outcome(result.value(found[0]), counts, artifacts={SEARCH: pack(result.trials)})


def identity(study: Study) -> dict[str, str]:
    """Return what determines a search, without its seed."""
    known = dict(study.record().identity)
    return {name: text for name, text in known.items() if name != "seed"} | ({"stop": repr(study.stop)} if study.stop else {})


@dataclass(frozen=True)
class Mismatch:
    """The part in which two studies differ that must be the same in a comparison, what each has there, and what to do."""

    part: str
    found: tuple[str, str]
    advice: str


def same_objective(first: Study, second: Study) -> bool:
    """Return whether two studies ask the same objective, on the same data or not."""
    return describe(first.objective) == describe(second.objective)


def find_mismatch(first: Study, second: Study) -> Mismatch | None:
    """Return why two studies cannot be compared; None where they can.

    Objectives may differ, as where a network is compared with a support vector machine, if their values mean the same: the
    same measure, on the same data. Of a function without a data set that cannot be known.
    """
    pair, same = (first, second), same_objective(first, second)
    if not same and any(study.data is None for study in pair):
        kinds = _texts(type(study.objective).__name__ for study in pair)
        return Mismatch("objective", kinds, "Other objectives can be compared only if each has a data set (`data`).")
    data = _texts(identity(study).get("data", "none") for study in pair)
    if data[0] != data[1]:
        return Mismatch("data", data, "Give both studies the same data set.")
    directions = _texts("maximize" if study.maximize else "minimize" for study in pair)
    if directions[0] != directions[1]:
        return Mismatch("direction", directions, "Minimise or maximise in both studies.")
    measures = _texts(study.adapted.criterion(study.space) for study in pair)
    if measures[0] != measures[1] or (not same and measures[0] == UNNAMED):
        return Mismatch("measure", measures, "Give both objectives values that mean the same, and say what (`measure`).")
    return None


def _texts(two: Iterable[str]) -> tuple[str, str]:
    first, second = two
    return first, second


def pack(trials: Sequence[Trial]) -> bytes:
    """Return the trials as JSON, with the fields that a comparison uses: params, end, cost."""
    return json.dumps([_fields(trial) for trial in trials], default=str).encode()


def unpack(content: bytes) -> list[Trial]:
    """Return the trials that were passed to `pack`; of their curves only the last step is left."""
    return [_trial(fields) for fields in json.loads(content)]


def _fields(trial: Trial) -> dict[str, Any]:
    curves = trial.outcome.history.values() if trial.outcome else ()
    return {
        "number": trial.number,
        "params": {
            name: value if isinstance(value, (int, float, str, bool)) else str(value) for name, value in trial.params.items()
        },
        "stage": trial.stage,
        "status": trial.status.value,
        "value": repr(trial.value),
        "last_step": max((curve[-1][0] for curve in curves if curve), default=None),
        "budget": trial.budget,
        "continues": trial.continues,
        "seconds": trial.seconds,
    }


def _trial(fields: dict[str, Any]) -> Trial:
    step, value = fields.pop("last_step"), float(fields.pop("value"))
    history = {} if step is None else {"last": ((step, value),)}
    return Trial(status=Status(fields.pop("status")), outcome=Outcome(value, history=history), **fields)
