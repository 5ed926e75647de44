"""Learning-rate schedules: what the starting rate is multiplied by in each epoch, or in each mini-batch of it.

A schedule is a frozen dataclass and keeps nothing; what it has to remember is a tuple of floats that the training loop
holds and saves. Its fields may hold ranges (see `hpsearch.nn.settings.Template`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from hpsearch.nn.plateau import Plateau
from hpsearch.nn.settings import Template, number, setting, whole

Memory = tuple[float, ...]


class Schedule(Protocol):
    """The law of a schedule; ``watches_accuracy`` says whether it needs the validation accuracy of every epoch."""

    watches_accuracy: ClassVar[bool]

    def begin(self) -> Memory:
        """Return what is remembered before the first epoch."""
        ...

    def multiplier(self, memory: Memory, epoch: int, epochs: int) -> float:
        """Return the multiplier for ``epoch``, counted from 0, of ``epochs`` in all; 0 ends the training."""
        ...

    def after(self, memory: Memory, accuracy: float) -> Memory:
        """Return what is remembered after an epoch with this validation accuracy."""
        ...


@runtime_checkable
class Gradual(Schedule, Protocol):
    """A schedule that changes the rate within an epoch too."""

    def at(self, step: int) -> float:
        """Return the multiplier of a mini-batch, counted from 1 over the whole training; it goes on top of the epoch's."""
        ...


class _Blind(Template):
    """A schedule that looks at the epoch alone and so has nothing to remember."""

    watches_accuracy: ClassVar[bool] = False

    def begin(self) -> Memory:
        return ()

    def after(self, memory: Memory, accuracy: float) -> Memory:
        return memory


@dataclass(frozen=True)
class Constant(_Blind):
    """The same rate in every epoch."""

    def multiplier(self, memory: Memory, epoch: int, epochs: int) -> float:
        return 1.0


@dataclass(frozen=True)
class Step(_Blind):
    """The rate is multiplied by ``factor`` every ``every`` epochs.

    >>> [Step(every=2, factor=0.5).multiplier((), epoch, 6) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    every: int = setting(whole(1))
    factor: float = setting(number(0.0, 1.0, open_low=True), default=0.1)

    def multiplier(self, memory: Memory, epoch: int, epochs: int) -> float:
        return float(self.factor ** (epoch // self.every))


@dataclass(frozen=True)
class Anneal(_Blind):
    """The rate is constant for ``start`` mini-batches, then falls as 1/t: eta_t = t0 eta_0 / max(t, t0).

    Source: Bergstra and Bengio (2012), Random search for hyper-parameter optimization, JMLR 13, section 2.3.

    >>> [Anneal(start=300).at(step) for step in (1, 300, 600, 3000)]
    [1.0, 1.0, 0.5, 0.1]
    """

    start: int = setting(whole(1))

    def multiplier(self, memory: Memory, epoch: int, epochs: int) -> float:
        return 1.0

    def at(self, step: int) -> float:
        return self.start / max(step, self.start)


@dataclass(frozen=True)
class HalveOnPlateau(Template):
    """The rate is halved when validation accuracy has not improved in ``patience`` epochs.

    Training ends when the next halving would take the rate below ``floor`` times the rate it started with.
    Source: Nielsen, Neural Networks and Deep Learning, ch. 3, "Learning rate schedule".
    """

    watches_accuracy: ClassVar[bool] = True

    patience: int = setting(whole(1), default=10)
    floor: float = setting(number(0.0, 1.0, open_low=True), default=1 / 128)

    def begin(self) -> Memory:
        return (1.0, *Plateau())

    def multiplier(self, memory: Memory, epoch: int, epochs: int) -> float:
        return memory[0] if memory[0] >= self.floor else 0.0

    def after(self, memory: Memory, accuracy: float) -> Memory:
        factor, plateau = memory[0], Plateau(*memory[1:]).after(accuracy)
        if plateau.waited >= self.patience:
            return (factor / 2, plateau.best, 0.0)
        return (factor, *plateau)
