"""Learning-rate schedules: what the starting rate is multiplied by in each epoch, or in each mini-batch of it.

A schedule is a frozen dataclass without state; what it has to remember is a tuple of floats that the training loop holds
and saves. Its fields may hold ranges (see `hpsearch.nn.settings.Template`).

    Constant, Step, HalveOnPlateau,        by the epoch, whatever their number
    DivideOnPlateau
    InverseTime, Exponential, Cosine,      from 1 towards ``end``, which is reached where the last epoch ends; Cyclic goes
    Linear, Cyclic                         there and back several times
    Anneal, WarmUp                         by the mini-batch; WarmUp goes before any other

Those with an end span the full number of epochs, also where a training is stopped earlier and resumed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar, Protocol, runtime_checkable

from hpsearch.checks import LATER, recorded_repr
from hpsearch.errors import SettingError, must_be
from hpsearch.nn.settings import Template, number, setting, unresolved, whole
from hpsearch.nn.stopping import Plateau

_SHARE = number(0.0, 1.0, advice="Give the share of the starting rate that is left at the end of the training.")
_SOME = number(0.0, 1.0, open_low=True, advice="Give the share of the starting rate that is left at the end, such as 0.01.")

Memory = tuple[float, ...]


class Schedule(Protocol):
    """A learning-rate schedule."""

    @property
    def watches_accuracy(self) -> bool:
        """Whether it needs the validation accuracy of every epoch."""
        ...

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
        """Return the multiplier of a mini-batch, counted from 1 over the whole training; it multiplies the epoch's."""
        ...


class _Blind(Template):
    """A schedule that depends on the epoch alone, and so has nothing to remember."""

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


def _check_every(what: str, value: object) -> None:
    if value is not None:
        whole(1)(what, value)


def _check_epochs(what: str, value: object) -> None:
    """Raise for anything but a tuple of rising numbers of epochs, or None."""
    if value is None:
        return
    advice = "Write it as in milestones=(10, 15)."
    if not isinstance(value, tuple) or not value:
        raise SettingError(must_be(what, "a tuple of numbers of epochs", value, advice))
    for epoch in value:
        whole(1, advice)(f"An epoch of {what}", epoch)
    if any(later <= earlier for earlier, later in pairwise(value)):
        raise SettingError(must_be(what, "rising", value, advice))


@dataclass(frozen=True)
class Step(_Blind):
    """The rate is multiplied by ``factor`` every ``every`` epochs, or after the epochs of a list.

    Args:
        every: so many epochs have each rate; None where ``milestones`` is given.
        factor: in (0, 1].
        milestones: numbers of epochs, rising and counted from 1: after each of them the rate is multiplied once.

    >>> [Step(every=2, factor=0.5).multiplier((), epoch, 6) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    >>> [Step(milestones=(1, 4), factor=0.5).multiplier((), epoch, 6) for epoch in range(5)]
    [1.0, 0.5, 0.5, 0.5, 0.25]
    """

    every: int | None = field(default=None, metadata={"check": _check_every, **LATER})
    factor: float = setting(number(0.0, 1.0, open_low=True), default=0.1)
    milestones: tuple[int, ...] | None = field(default=None, metadata={"check": _check_epochs, **LATER})

    __repr__ = recorded_repr

    def __post_init__(self) -> None:
        if isinstance(self.milestones, list):
            object.__setattr__(self, "milestones", tuple(self.milestones))
        super().__post_init__()
        if (self.every is None) == (self.milestones is None):
            found = "neither" if self.milestones is None else "both"
            raise SettingError(
                must_be("Step", "given every or milestones", found, "Write Step(every=10) or Step(milestones=(10, 15)).")
            )

    def multiplier(self, memory: Memory, epoch: int, epochs: int) -> float:
        times = epoch // self.every if self.every is not None else sum(done <= epoch for done in self.milestones or ())
        return float(self.factor**times)


@dataclass(frozen=True)
class InverseTime(_Blind):
    """The rate falls as 1 / (1 + k t) with k such that ``end`` of it is left after T epochs: fast first, then ever slower.

    With the default the multiplier is 1 / (1 + 99 t/T).
    Source: Robbins and Monro (1951), A stochastic approximation method: rates of order 1/t.

    >>> [InverseTime(end=0.2).multiplier((), epoch, 4) for epoch in (0, 1, 2, 3, 4)]
    [1.0, 0.5, 0.3333333333333333, 0.25, 0.2]
    """

    end: float = setting(_SOME, default=0.01)

    def multiplier(self, memory: Memory, epoch: int, epochs: int) -> float:
        return 1.0 / (1.0 + (1.0 / self.end - 1.0) * epoch / epochs)


@dataclass(frozen=True)
class Exponential(_Blind):
    """The rate falls by the same factor in every epoch, so that ``end`` of it is left after T of them: end^(t/T).

    Source: Stanford CS231n notes, "Annealing the learning rate": alpha = alpha_0 exp(-k t), with k = -ln(end) / T.

    >>> [round(Exponential(end=0.01).multiplier((), epoch, 4), 6) for epoch in (0, 1, 2, 3, 4)]
    [1.0, 0.316228, 0.1, 0.031623, 0.01]
    """

    end: float = setting(_SOME, default=0.01)

    def multiplier(self, memory: Memory, epoch: int, epochs: int) -> float:
        return float(self.end ** (epoch / epochs))


@dataclass(frozen=True)
class Linear(_Blind):
    """The rate falls by equal steps towards ``end`` of it: 1 - (1 - end) t/T.

    >>> [Linear().multiplier((), epoch, 4) for epoch in range(4)]
    [1.0, 0.75, 0.5, 0.25]
    """

    end: float = setting(_SHARE, default=0.0)

    def multiplier(self, memory: Memory, epoch: int, epochs: int) -> float:
        return 1.0 - (1.0 - self.end) * epoch / epochs


@dataclass(frozen=True)
class Cosine(_Blind):
    """The rate follows half a wave of the cosine: end + (1 - end) (1 + cos(pi t/T)) / 2.

    Source: Loshchilov and Hutter (2017), SGDR: stochastic gradient descent with warm restarts, eq. 5, without a restart.

    >>> [round(Cosine().multiplier((), epoch, 4), 6) for epoch in range(4)]
    [1.0, 0.853553, 0.5, 0.146447]
    """

    end: float = setting(_SHARE, default=0.0)

    def multiplier(self, memory: Memory, epoch: int, epochs: int) -> float:
        return _half_wave(epoch / epochs, self.end)


@dataclass(frozen=True)
class Cyclic(_Blind):
    """A `Cosine` over and over: ``cycles`` of ceil(T / cycles) epochs each, every one from the full rate on.

    Ends a cycle in a minimum of its own, which is what snapshots are taken of. Where T is no multiple, the last is cut short.
    Source: Huang et al. (2017), Snapshot ensembles: train 1, get M for free, eq. 2.

    >>> [round(Cyclic(cycles=2).multiplier((), epoch, 8), 3) for epoch in range(8)]
    [1.0, 0.854, 0.5, 0.146, 1.0, 0.854, 0.5, 0.146]
    """

    cycles: int = setting(whole(1), default=5)
    end: float = setting(_SHARE, default=0.0)

    def length(self, epochs: int) -> int:
        """Return the epochs of a whole cycle."""
        return -(-epochs // self.cycles)

    def multiplier(self, memory: Memory, epoch: int, epochs: int) -> float:
        length = self.length(epochs)
        return _half_wave(epoch % length / length, self.end)


def _half_wave(share: float, end: float) -> float:
    return end + (1.0 - end) * (1.0 + math.cos(math.pi * share)) / 2


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


class _OnPlateau(Template):
    """A schedule that divides the rate where validation accuracy does not improve; fields ``patience`` and ``floor``."""

    watches_accuracy: ClassVar[bool] = True
    patience: int
    floor: float

    @property
    def divisor(self) -> float:
        raise NotImplementedError

    def begin(self) -> Memory:
        return (1.0, *Plateau())

    def multiplier(self, memory: Memory, epoch: int, epochs: int) -> float:
        return memory[0] if memory[0] >= self.floor * (1 - 1e-9) else 0.0  # 1/3/3/3 may be a bit less than 1/27

    def after(self, memory: Memory, accuracy: float) -> Memory:
        share, plateau = memory[0], Plateau(*memory[1:]).after(accuracy)
        if plateau.waited >= self.patience:
            return (share / self.divisor, plateau.best, 0.0)
        return (share, *plateau)


@dataclass(frozen=True)
class HalveOnPlateau(_OnPlateau):
    """The rate is halved when validation accuracy has not improved in ``patience`` epochs.

    Training ends when the next halving would take the rate below ``floor`` times the rate it started with.
    Source: Nielsen, Neural Networks and Deep Learning, ch. 3, "Learning rate schedule".
    """

    patience: int = setting(whole(1), default=10)
    floor: float = setting(number(0.0, 1.0, open_low=True), default=1 / 128)

    @property
    def divisor(self) -> float:
        return 2.0


@dataclass(frozen=True)
class DivideOnPlateau(_OnPlateau):
    """The rate is divided by ``by`` when validation accuracy has not improved in ``patience`` epochs: ten times less each time.

    Training ends when the next division would take the rate below ``floor`` times the rate it started with: with the defaults,
    after a fourth plateau, at a thousandth. `HalveOnPlateau` is the same with by=2.
    Source: Nielsen, Neural Networks and Deep Learning, ch. 3, "Learning rate schedule".

    >>> rule, memory = DivideOnPlateau(patience=1), (1.0, 0.9, 0.0)
    >>> for _ in range(4):
    ...     memory = rule.after(memory, 0.9)
    ...     print(rule.multiplier(memory, 1, 10))
    0.1
    0.01
    0.001
    0.0
    """

    by: float = setting(number(1.0, open_low=True, advice="2 and 10 are usual."), default=10.0)
    patience: int = setting(whole(1), default=10)
    floor: float = setting(number(0.0, 1.0, open_low=True), default=1 / 1000)

    @property
    def divisor(self) -> float:
        return self.by


@dataclass(frozen=True)
class WarmUp(Template):
    """The rate rises by equal steps over the first ``steps`` mini-batches: min(1, s / steps), on top of what ``then`` says.

    The schedule behind it counts from the beginning too, so that both span the whole training. In a space, ``steps`` may be a
    range and ``then`` a Choice of schedules; ranges of a schedule that is no Choice would not be found, and raise an error.
    Source: Goyal et al. (2017), Accurate, large minibatch SGD: training ImageNet in 1 hour, section 2.2.

    >>> [WarmUp(steps=4).at(step) for step in (1, 2, 4, 5)]
    [0.25, 0.5, 1.0, 1.0]
    """

    steps: int = setting(whole(1, "100 to 1000 mini-batches are usual."))
    then: Schedule = field(default=Constant())

    def __post_init__(self) -> None:
        super().__post_init__()
        if not unresolved(self.then) and (isinstance(self.then, type) or not hasattr(self.then, "multiplier")):
            raise SettingError(
                must_be("WarmUp then", "a schedule", self.then, "Take Constant(), Cosine() or a Choice of some.")
            )

    @property
    def watches_accuracy(self) -> bool:
        return self.then.watches_accuracy

    def begin(self) -> Memory:
        return self.then.begin()

    def multiplier(self, memory: Memory, epoch: int, epochs: int) -> float:
        return self.then.multiplier(memory, epoch, epochs)

    def after(self, memory: Memory, accuracy: float) -> Memory:
        return self.then.after(memory, accuracy)

    def at(self, step: int) -> float:
        later = self.then.at(step) if isinstance(self.then, Gradual) else 1.0
        return min(1.0, step / self.steps) * later
