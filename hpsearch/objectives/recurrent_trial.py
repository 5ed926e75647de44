"""Training of a recurrent network inside a trial: resumes, keeps to budget and deadline, reports curves, takes samples."""

from __future__ import annotations

import json
import logging
import time
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from hpsearch.data.texts import Texts
from hpsearch.errors import SettingError
from hpsearch.nn.arrays import Array
from hpsearch.nn.recurrent import sampling
from hpsearch.nn.recurrent.network import TEXT, RecurrentNetwork
from hpsearch.nn.recurrent.training import Examples, RecurrentRecipe, RecurrentTraining
from hpsearch.objectives.reporting import CHECKPOINT_SECONDS
from hpsearch.ports import Context
from hpsearch.trial import EPOCH

logger = logging.getLogger(__name__)

_FILE, _SEED, _SAMPLE, _SECONDS = "state.npz", "seed_of_samples", "sample_", "seconds"
# A unit changes slowly where its output is like that of so many characters before.
_LAG = 5


class RecurrentTrial:
    """The training of a trial: it resumes, reports, takes samples and writes checkpoints.

    Args:
        data: of the trial.
        settings: of the network: its hidden units, embedding, first_state and dtype.
        recipe: of the training.
        context: of the trial, whose random numbers it draws from.
        samples: length and temperature of the samples.
    """

    def __init__(
        self,
        data: Texts,
        settings: Mapping[str, Any],
        recipe: RecurrentRecipe,
        context: Context,
        samples: tuple[int, float],
    ) -> None:
        self.context, (self._length, self._temperature) = context, samples
        named = {**settings, "task": data.task, "labels": data.labels}
        network = RecurrentNetwork.create(data.alphabet, rng=context.rng, **named)
        self.seed = int(context.rng.integers(2**62))
        train, validation = (Examples(part.inputs, part.outputs) for part in (data.train, data.validation))
        self.training = RecurrentTraining(network, train, recipe, context.rng, validation)
        self.samples: dict[int, str] = {}
        self._stages = stages(recipe.epochs) if data.task == TEXT and self._length else ()

    def run(self) -> None:
        """Train for the budget, or all epochs; earlier epochs are reported again."""
        if not self._restore_checkpoint() and self.context.state:
            self.restore(self.context.state)
        self._sample()
        for epoch in self.training.history:
            self.context.report(epoch.epoch, **epoch.curves)
        saved = time.monotonic()
        for epoch in self.training.run(until=self.context.budget):
            self._sample()
            self.context.report(epoch.epoch, **epoch.curves)
            if self.context.seconds_left <= 0:
                break
            if self.context.checkpoints is not None and time.monotonic() - saved >= CHECKPOINT_SECONDS:
                self._save(epoch.epoch)
                saved = time.monotonic()

    def _save(self, epoch: int) -> None:
        with self.context.checkpoint(epoch, exact=True) as folder:
            np.savez(folder / _FILE, allow_pickle=False, **self.state())

    def _restore_checkpoint(self) -> bool:
        """Resume from the trial's own checkpoint where there is one that can be used."""
        if self.context.folder is None:
            return False
        try:
            with np.load(self.context.folder / _FILE, allow_pickle=False) as arrays:
                self.restore(dict(arrays))
        except (OSError, ValueError, KeyError, SettingError, zipfile.BadZipFile) as error:
            logger.warning("The checkpoint of trial %d cannot be used, so it starts anew: %s", self.context.number, error)
            return False
        return True

    def state(self) -> dict[str, Array]:
        """Return all that is needed to resume the trial."""
        # As numbers: an array of strings leaves out NUL characters at the end.
        samples = {f"{_SAMPLE}{epoch}": np.array([*map(ord, text)], np.uint32) for epoch, text in self.samples.items()}
        times = np.array(self.context.times.get(EPOCH, ()), np.float64).reshape(-1, 2)
        return {**self.training.state(), _SEED: np.array(self.seed), _SECONDS: times, **samples}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Resume from such a state."""
        own = {name: array for name, array in state.items() if name.startswith((_SAMPLE, _SECONDS, _SEED))}
        self.training.restore({name: array for name, array in state.items() if name not in own})
        self.seed, times = int(own.pop(_SEED)), own.pop(_SECONDS)
        self.context.continue_times({EPOCH: {int(epoch): seconds for epoch, seconds in times.tolist()}})
        self.samples = {int(name.removeprefix(_SAMPLE)): "".join(map(chr, codes.tolist())) for name, codes in own.items()}

    def _sample(self) -> None:
        """Draw a sample where the training has reached a stage; from numbers of its own, so that it changes nothing."""
        epoch = len(self.training.history)
        if epoch in self._stages and epoch not in self.samples:
            rng = np.random.default_rng([self.seed, epoch])
            network = self.training.network
            self.samples[epoch] = sampling.sample(network, self._length, rng, temperature=self._temperature)


def stages(epochs: int) -> tuple[int, ...]:
    """Return the epochs after which samples are taken; five where there are as many.

    >>> stages(40), stages(5), stages(2)
    ((0, 5, 10, 20, 40), (0, 1, 2, 3, 5), (0, 1, 2))
    """
    return tuple(sorted({0, *(-(-epochs // part) for part in (8, 4, 2, 1))}))


def activity(network: RecurrentNetwork, text: str) -> bytes:
    """Return what one unit does over a text, as JSON: ``text``, ``unit``, and its ``values`` with three digits.

    It is the unit that changes most slowly: whose output has the largest correlation with itself `_LAG` characters before.
    """
    states = sampling.states(network, text)
    moved = states - states.mean(axis=0)
    lag = min(_LAG, len(text) - 1)
    with np.errstate(invalid="ignore"):  # of a unit that never changes
        alike = (moved[lag:] * moved[: len(moved) - lag]).sum(axis=0) / (moved**2).sum(axis=0)
    unit = int(np.nan_to_num(alike, nan=-1.0).argmax())
    values = [round(value, 3) for value in states[:, unit].tolist()]
    return json.dumps({"text": text, "unit": unit, "units": states.shape[1], "values": values}).encode()
