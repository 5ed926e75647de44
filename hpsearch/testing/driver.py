"""Driver that runs a strategy without a study, and spaces of every kind to run it on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpsearch.ports import Batch, Context, ObjectiveBase, Proposal, Strategy
from hpsearch.space import Choice, Float, Int, Params, Space
from hpsearch.trial import Outcome, Status, Trial

# Returns the ended trial of a number, a proposal and a stage.
Ending = Callable[[int, Proposal, str], Trial]


@dataclass(frozen=True)
class Template:
    """An option of a choice with a field that can be searched."""

    steps: Any = 3


SPACES: dict[str, Space] = {
    "one float": Space(x=Float(-1.0, 2.0)),
    "log": Space(x=Float(1e-4, 10.0, log=True), n=Int(1, 1000, log=True)),
    "mixed": Space(x=Float(0.0, 1.0), n=Int(2, 10, step=2), c=Choice("a", "b", None), h=Choice((10,), (10, 20))),
    "conditional": Space(o=Choice("sgd", "momentum"), mu=Float(0.0, 0.9, when={"o": "momentum"}), x=Float(0.0, 1.0)),
    "template": Space(s=Choice(Template(), Template(steps=Int(1, 9))), x=Float(0.0, 1.0)),
    "values": Space(
        x=Float(0, 1, step=0.1),
        f=Float(0.5, 0.5, log=True),
        k=Int(3, 3),
        c=Choice(math.nan, 1, 1.0, True, (1, 1), (True, True)),
    ),
}


def table(trials: Sequence[Trial]) -> list[str]:
    """Return everything of the trials that must not depend on workers, backends or crashes, floats by repr."""
    rows = []
    for trial in trials:
        outcome = trial.outcome or Outcome(math.nan)
        metrics, history = sorted(outcome.metrics.items()), sorted((k, tuple(v)) for k, v in outcome.history.items())
        proposed = (trial.number, trial.params, trial.stage, trial.budget, trial.continues, trial.replicate)
        rows.append(repr((proposed, str(trial.status), trial.value, metrics, history, trial.error)))
    return rows


def bowl(space: Space, params: Params) -> float:
    """Return the squared distance of a point from (0.3, ..., 0.3) in the unit cube."""
    return float(sum((u - 0.3) ** 2 for u in space.to_unit(params)))


@dataclass(frozen=True)
class Bowl(ObjectiveBase):
    """Objective of pure Python with a value for every kind of params."""

    space: Space

    def __call__(self, params: Params, context: Context) -> float:
        labels = {k: v for k, v in params.items() if not isinstance(v, Template)}
        return float(sum(len(repr(v)) + (v if isinstance(v, float) else 0.0) for v in labels.values()))


def drive(
    strategy: Strategy,
    space: Space,
    seed: int = 0,
    fail: bool = False,
    end: Ending | None = None,
    known: Sequence[Trial] = (),
) -> tuple[list[Batch], list[Trial]]:
    """Run a strategy without a study and return its batches and all trials.

    Args:
        fail: whether every trial fails; otherwise its value is that of `bowl`.
        end: returns the ended trial of a number, a proposal and a stage, in place of that value.
        known: trials of an earlier study.
    """
    finish = end or (lambda number, proposal, stage: _end_trial(space, number, proposal, stage, fail))
    search = strategy.search(space, np.random.default_rng(seed), known)
    batches: list[Batch] = []
    trials: list[Trial] = []
    try:
        batch = next(search)
        while True:
            batches.append(batch)
            ended = [finish(len(trials) + i, p, batch.stage) for i, p in enumerate(batch.proposals)]
            trials += ended
            batch = search.send(ended)
    except StopIteration:
        return batches, trials


def _end_trial(space: Space, number: int, proposal: Proposal, stage: str, fail: bool) -> Trial:
    status, outcome, error = (Status.FAILED, None, "planted") if fail else (Status.FINISHED, _score(space, proposal), None)
    budget, continues, replicate = proposal.budget, proposal.continues, proposal.replicate
    return Trial(number, proposal.params, stage, status, outcome, budget, continues, replicate, error)


def _score(space: Space, proposal: Proposal) -> Outcome:
    return Outcome(bowl(space, proposal.params))
