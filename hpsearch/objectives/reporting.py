"""Training inside a trial: resumes from the trial's state, keeps to budget and deadline, and reports curves."""

from __future__ import annotations

import logging
import time
import zipfile
from collections.abc import Mapping

import numpy as np

from hpsearch.analysis.curve_shape import CONTRAST
from hpsearch.errors import SettingError
from hpsearch.nn.arrays import Array
from hpsearch.nn.training.committee import Committee
from hpsearch.nn.training.history import Epoch
from hpsearch.nn.training.training import Training
from hpsearch.ports import Context
from hpsearch.trial import EPOCH, step_unit

logger = logging.getLogger(__name__)
# Seconds of training between two checkpoints.
CHECKPOINT_SECONDS = 30.0
_FILE = "state.npz"
# What a state holds beside the training's own: epoch and seconds of each point so far.
_SECONDS = "seconds"
# Rows on which the contrast of the untrained network is measured.
_CONTRAST_ROWS = 500


def run(training: Training | Committee, context: Context, x: Array | None) -> None:
    """Train for ``context.budget`` epochs, or all, and report the evaluated epochs; earlier epochs are reported again.

    A long training writes checkpoints, and continues from the newest one to the same bits.

    Args:
        training: before its first epoch; it resumes from a checkpoint or from ``context.state`` where there is one.
        context: of the trial.
        x: training rows; the contrast of the untrained network is that of the first of them. None where its first
            weights are those of a trained one, whose contrast says nothing.
    """
    before = _restore_checkpoint(training, context)
    if before is None:
        new = {} if x is None else {CONTRAST: np.array(contrast(training, x))}
        before = _restore(training, context, dict(context.state or new))
    context.set_times(EPOCH, {0: 0.0, **dict(context.times.get(EPOCH, ()))})  # what precedes training is reported later
    for epoch in training.history:
        _report(context, epoch, before)
    monitored = _Monitored(training, context)
    try:
        _run(training, context, before, monitored)
    finally:  # what a training that fails has recorded shows why
        monitored.report()
        for block in training.open_iterations:
            context.report(block.iteration, **block.curves)
        _time_within_epochs(training, context)
    for evaluation in training.evaluations:
        context.report(evaluation.images, **evaluation.curves)
    _time_within_epochs(training, context)


def _time_within_epochs(training: Training | Committee, context: Context) -> None:
    """Set the seconds of images and iterations, which are reported late, by those of the epochs that they end."""
    epochs, units = dict(context.times.get(EPOCH, ())), {step_unit(name) for name in context.history}
    for unit, steps in training.steps_per_epoch.items():
        if unit in units:
            context.set_times(unit, {epoch * steps: seconds for epoch, seconds in epochs.items()})


def _run(training: Training | Committee, context: Context, before: Mapping[str, float], monitored: _Monitored) -> None:
    saved = time.monotonic()
    for epoch in training.run(until=context.budget):
        _report(context, epoch, before)
        monitored.report()
        if context.seconds_left <= 0:
            training.evaluate_last_epoch()
            break
        if context.checkpoints is not None and time.monotonic() - saved >= CHECKPOINT_SECONDS:
            with context.checkpoint(epoch.epoch, exact=True) as folder:
                np.savez(folder / _FILE, allow_pickle=False, **state(training, context))
            saved = time.monotonic()


class _Monitored:
    """Reports what is recorded of iterations and of layers, each once."""

    def __init__(self, training: Training | Committee, context: Context) -> None:
        self._training, self._context = training, context
        self._iterations = self._states = 0

    def report(self) -> None:
        """Report what is new."""
        for block in self._training.iterations[self._iterations :]:
            self._context.report(block.iteration, **block.curves)
            self._iterations += 1
        for state in self._training.layer_states[self._states :]:
            self._context.report(state.epoch, **state.curves)
            self._states += 1


def _restore_checkpoint(training: Training | Committee, context: Context) -> dict[str, float] | None:
    """Resume from the trial's own checkpoint; return what was measured before training, or None where there is none."""
    if context.folder is None:
        return None
    try:
        with np.load(context.folder / _FILE, allow_pickle=False) as arrays:
            return _restore(training, context, dict(arrays))
    except (OSError, ValueError, KeyError, SettingError, zipfile.BadZipFile) as error:
        logger.warning("The checkpoint of trial %d cannot be used, so it starts anew: %s", context.number, error)
        return None


def _restore(training: Training | Committee, context: Context, state: dict[str, Array]) -> dict[str, float]:
    """Resume from a state, where it holds one; return what was measured before training."""
    # A state of an earlier version lacks the contrast, and the untrained network is gone.
    before = {CONTRAST: float(state.pop(CONTRAST))} if CONTRAST in state else {}
    if _SECONDS in state:
        context.continue_times({EPOCH: {int(epoch): seconds for epoch, seconds in state.pop(_SECONDS).tolist()}})
    if state:
        training.restore(state)
    return before


def state(training: Training | Committee, context: Context) -> dict[str, Array]:
    """Return all that is needed to resume the trial."""
    before = context.history.get(CONTRAST)
    seconds = {_SECONDS: np.array(context.times.get(EPOCH, ()), np.float64).reshape(-1, 2)}
    return training.state() | seconds | ({CONTRAST: np.array(before[0][1])} if before else {})


def contrast(training: Training | Committee, x: Array) -> float:
    """Return the contrast of untrained networks on the first training rows, the mean over members."""
    members = training.members if isinstance(training, Committee) else [training]
    return sum(member.network.contrast(x[:_CONTRAST_ROWS]) for member in members) / len(members)


def _report(context: Context, epoch: Epoch, before: Mapping[str, float]) -> None:
    """Report an evaluated epoch, and with it what was measured before training."""
    if epoch.validation_cost is not None:
        context.report(epoch.epoch, **epoch.curves)
        context.report(0, **before)
