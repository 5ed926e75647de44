"""A training inside a trial: it goes on from the trial's state, keeps to budget and deadline, and reports its curves."""

from __future__ import annotations

from hpsearch.nn.committee import Committee
from hpsearch.nn.history import Epoch
from hpsearch.nn.training import Training
from hpsearch.ports import Context


def run(training: Training | Committee, context: Context) -> None:
    """Train for ``context.budget`` epochs, or all, and report what is looked at; earlier epochs are reported again."""
    if context.state is not None:
        training.restore(context.state)
    for epoch in training.history:
        _report(context, epoch)
    for epoch in training.run(until=context.budget):
        _report(context, epoch)
        if context.seconds_left <= 0:
            training.look()
            break
    for look in training.looks:
        context.report(look.images, **look.curves)


def _report(context: Context, epoch: Epoch) -> None:
    """Report an epoch that was looked at."""
    if epoch.validation_cost is not None:
        context.report(epoch.epoch, **epoch.curves)
