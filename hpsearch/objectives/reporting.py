"""A training inside a trial: it goes on from the trial's state, keeps to budget and deadline, and reports its curves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hpsearch.analysis.curve_shape import CONTRAST
from hpsearch.nn.arrays import Array
from hpsearch.nn.training.committee import Committee
from hpsearch.nn.training.history import Epoch
from hpsearch.nn.training.training import Training
from hpsearch.ports import Context

# Rows that the untrained network is looked at with.
_LOOK = 500


def run(training: Training | Committee, context: Context, x: Array) -> None:
    """Train for ``context.budget`` epochs, or all, and report what is looked at; earlier epochs are reported again.

    Args:
        training: as it begins; it goes on from ``context.state`` where there is one.
        context: of the trial.
        x: training rows, of which the untrained network is shown the first.
    """
    state = dict(context.state or {CONTRAST: np.array(contrast(training, x))})
    # A state of an earlier version lacks it, and what was there before that training is no longer known.
    before = {CONTRAST: float(state.pop(CONTRAST))} if CONTRAST in state else {}
    if state:
        training.restore(state)
    for epoch in training.history:
        _report(context, epoch, before)
    for epoch in training.run(until=context.budget):
        _report(context, epoch, before)
        if context.seconds_left <= 0:
            training.evaluate_last_epoch()
            break
    for evaluation in training.evaluations:
        context.report(evaluation.images, **evaluation.curves)


def state(training: Training | Committee, context: Context) -> dict[str, Array]:
    """Return all that is needed to go on with the trial."""
    before = context.history.get(CONTRAST)
    return training.state() | ({CONTRAST: np.array(before[0][1])} if before else {})


def contrast(training: Training | Committee, x: Array) -> float:
    """Return what is reported as `CONTRAST` of networks that are not trained yet, from the first training rows."""
    members = training.members if isinstance(training, Committee) else [training]
    return sum(member.network.contrast(x[:_LOOK]) for member in members) / len(members)


def _report(context: Context, epoch: Epoch, before: Mapping[str, float]) -> None:
    """Report an epoch that was looked at, and once there is one what there was before training."""
    if epoch.validation_cost is not None:
        context.report(epoch.epoch, **epoch.curves)
        context.report(0, **before)
