"""Weight averaging over the mini-batches of a training, and snapshot ensembles of its cycles.

An averaging is a frozen dataclass; its fields may hold ranges (see `hpsearch.nn.settings.Template`). The steps are those of a
training without it; the average is scored, kept and exported, and schedules and stopping rules watch its accuracy.

    MovingAverage    of the weights, which forgets: one network
    TailAverage      of the weights, over the last part of the training: one network
    Snapshots        of the outputs of the networks at the ends of a schedule's cycles: an ensemble
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import Array, blas_of
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.network import Network
from hpsearch.nn.optimizers.rules import Optimizer
from hpsearch.nn.passes.backprop import Backprop, Minibatch
from hpsearch.nn.schedules import Cyclic, Schedule, WarmUp
from hpsearch.nn.settings import Template, number, refuse_open, setting

_DECAY = number(0.0, 1.0, open_low=True, open_high=True, advice="0.99 looks back 100 mini-batches, 0.999 looks back 1,000.")
_START = number(0.0, 1.0, open_high=True, advice="It is the share of the training before the average begins; 0.5 is usual.")


@dataclass(frozen=True)
class Timeline:
    """The length of a training: mini-batches an epoch, epochs, the schedule of the rate, and how many layers are frozen."""

    steps: int
    epochs: int
    schedule: Schedule
    frozen: int = 0


class WeightAverager(Protocol):
    """An optimizer around another one, which averages the weights after its steps."""

    @property
    def scale(self) -> float:
        """See `hpsearch.nn.optimizers.Optimizer`, like the next three."""
        ...

    @property
    def arrays(self) -> dict[str, Array]: ...

    def step(self, passes: Backprop, batch: Minibatch, rate: float) -> None: ...

    def fold(self) -> None: ...

    @property
    def network(self) -> Network:
        """The network with the averaged weights, or the trained one where the result is an ensemble."""
        ...

    def end_epoch(self, epoch: int) -> None:
        """Take note of the end of an epoch, counted from 1, before it is scored."""
        ...

    def select_network(self, epoch: int, network: Network) -> Network | Ensemble:
        """Return what to score after an epoch, where ``network`` is the averaged one at that time, or a copy of it."""
        ...


class Averaging(Protocol):
    """An averaging. It has no state and starts a `WeightAverager`."""

    def follow(self, network: Network, optimizer: Optimizer, timeline: Timeline) -> WeightAverager:
        """Return the averager of a training, from its first mini-batch on."""
        ...


@dataclass(frozen=True)
class MovingAverage(Template):
    """After every mini-batch t the average moves towards the weights by the larger of 1 - decay and 1/t.

    So it is the plain mean until 1 / (1 - decay) mini-batches are done, and never holds the first weights.
    Source: Polyak and Juditsky (1992), Acceleration of stochastic approximation by averaging, with a decay instead of the mean.

    >>> [MovingAverage(0.75).share(step, 100) for step in (1, 2, 3, 4, 100)]
    [1.0, 0.5, 0.3333333333333333, 0.25, 0.25]
    """

    decay: float = setting(_DECAY, default=0.999)

    def share(self, step: int, steps: int) -> float:
        """Return by how much the average moves after a mini-batch, counted from 1, of so many in the whole training."""
        return max(1.0 - self.decay, 1.0 / step)

    def follow(self, network: Network, optimizer: Optimizer, timeline: Timeline) -> WeightAverager:
        return AveragedWeights(network, optimizer, self.share, timeline.steps * timeline.epochs, timeline.frozen)


@dataclass(frozen=True)
class TailAverage(Template):
    """The mean of the weights after every mini-batch from a share of the whole training on; before that, the last weights.

    Source: Polyak and Juditsky (1992), Acceleration of stochastic approximation by averaging.

    >>> [TailAverage(0.5).share(step, 100) for step in (1, 50, 51, 52, 100)]
    [1.0, 1.0, 1.0, 0.5, 0.02]
    """

    start: float = setting(_START, default=0.5)

    def share(self, step: int, steps: int) -> float:
        """Return by how much the average moves after a mini-batch, counted from 1, of so many in the whole training."""
        return 1.0 / max(1, step - int(self.start * steps))

    def follow(self, network: Network, optimizer: Optimizer, timeline: Timeline) -> WeightAverager:
        return AveragedWeights(network, optimizer, self.share, timeline.steps * timeline.epochs, timeline.frozen)


@dataclass(frozen=True)
class Snapshots(Template):
    """An ensemble of the networks at the end of every whole cycle, from the first one on.

    Needs the schedule `Cyclic`, or one that warms up before it. Costs a copy of the weights a cycle.
    Source: Huang et al. (2017), Snapshot ensembles: train 1, get M for free.
    """

    def follow(self, network: Network, optimizer: Optimizer, timeline: Timeline) -> WeightAverager:
        return CycleEnds(network, optimizer, timeline)


class AveragedWeights:
    """Steps as those of another optimizer, and a running average of the weights after each.

    Args:
        network: whose weights the optimizer changes.
        optimizer: takes the steps.
        share: of the mini-batch and of their number in the whole training, see `MovingAverage.share`.
        steps: in the whole training.
        frozen: the first so many layers are left as they are: the rounding of an average would change their bits.
    """

    def __init__(
        self, network: Network, optimizer: Optimizer, share: Callable[[int, int], float], steps: int, frozen: int = 0
    ) -> None:
        self._optimizer, self._share, self._steps = optimizer, share, steps
        self.network, self._done = network.copy(), np.zeros(1)
        self._axpy = blas_of(network.weights[0]).axpy
        both = [(getattr(network, kind), getattr(self.network, kind)) for kind in ("weights", "biases")]
        pairs = [zip(now[frozen:], mean[frozen:], strict=True) for now, mean in both]
        self._weights, self._biases = ([(now.reshape(-1), mean.reshape(-1)) for now, mean in pair] for pair in pairs)
        self.fold = optimizer.fold

    @property
    def scale(self) -> float:
        return self._optimizer.scale

    @property
    def arrays(self) -> dict[str, Array]:
        """Those of the optimizer, the average, and how many mini-batches are done."""
        layers = {f"average_weights_{i}": w for i, w in enumerate(self.network.weights)}
        layers |= {f"average_biases_{i}": b for i, b in enumerate(self.network.biases)}
        return {**self._optimizer.arrays, **layers, "averaged_steps": self._done}

    def step(self, passes: Backprop, batch: Minibatch, rate: float) -> None:
        self._optimizer.step(passes, batch, rate)
        self._done += 1
        share = self._share(int(self._done[0]), self._steps)
        for arrays, scale in ((self._weights, self._optimizer.scale), (self._biases, 1.0)):
            for now, mean in arrays:
                np.multiply(mean, 1.0 - share, mean)
                self._axpy(now, mean, mean.size, share * scale)

    def end_epoch(self, epoch: int) -> None:
        """Do nothing: every step was averaged."""

    def select_network(self, epoch: int, network: Network) -> Network:
        return network


class CycleEnds:
    """Steps as those of another optimizer, and a copy of the network at the end of every cycle of the schedule.

    Args:
        network: whose weights the optimizer changes.
        optimizer: takes the steps.
        timeline: with the schedule that has the cycles.
    """

    def __init__(self, network: Network, optimizer: Optimizer, timeline: Timeline) -> None:
        cyclic = cycles_of(timeline.schedule)
        assert cyclic is not None  # `check_averaging` raises without it
        self.network, self._optimizer, self._length = network, optimizer, cyclic.length(timeline.epochs)
        self._taken = [network.copy() for _ in range(timeline.epochs // self._length)]
        self.step, self.fold = optimizer.step, optimizer.fold

    @property
    def scale(self) -> float:
        return self._optimizer.scale

    @property
    def arrays(self) -> dict[str, Array]:
        """Those of the optimizer, and those of each cycle's end."""
        found = dict(self._optimizer.arrays)
        for i, network in enumerate(self._taken):
            found |= {f"snapshot_{i}_weights_{j}": w for j, w in enumerate(network.weights)}
            found |= {f"snapshot_{i}_biases_{j}": b for j, b in enumerate(network.biases)}
            found |= {f"snapshot_{i}_statistics_{j}": a for j, a in enumerate(network.statistics)}
        return found

    def end_epoch(self, epoch: int) -> None:
        if epoch % self._length == 0:
            copy_into(self._taken[epoch // self._length - 1], self.network)

    def select_network(self, epoch: int, network: Network) -> Network | Ensemble:
        cycles = epoch // self._length
        return Ensemble([taken.plain for taken in self._taken[:cycles]]) if cycles else network.plain


def cycles_of(schedule: Schedule) -> Cyclic | None:
    """Return the cycles of a schedule, those behind a warm-up too, or None."""
    behind = schedule.then if isinstance(schedule, WarmUp) else schedule
    return behind if isinstance(behind, Cyclic) else None


def copy_into(kept: Network, current: Network) -> None:
    """Copy weights, biases and running statistics from one network into the arrays of another."""
    pairs = [(net.weights + net.biases + net.statistics) for net in (kept, current)]
    for there, here in zip(*pairs, strict=True):
        np.copyto(there, here)


def check_averaging(what: str, averaging: object, schedule: Schedule) -> None:
    """Raise unless ``averaging`` is one without open ranges; for snapshots, unless the schedule has cycles."""
    if isinstance(averaging, type) or not hasattr(averaging, "follow"):
        advice = "Take MovingAverage(), TailAverage() or Snapshots()."
        raise SettingError(must_be(what, "an averaging or None", averaging, advice))
    refuse_open(what, averaging)
    if isinstance(averaging, Snapshots) and cycles_of(schedule) is None:
        advice = "Its cycles are where the snapshots are taken."
        raise SettingError(must_be("schedule", "Cyclic(...) with Snapshots()", schedule, advice))


def check_keeps_statistics(what: str, averaging: object) -> None:
    """Raise for an average of weights in a training with running statistics, which are those of the weights before it."""
    if not isinstance(averaging, Snapshots | None):
        advice = "The running means of batch normalisation are those of the trained weights, not of their average."
        raise SettingError(must_be(what, "Snapshots() or None with batch normalisation", averaging, advice))
