"""Early stopping: when to end the training before its epochs are used up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from hpsearch.nn.settings import Template, number, setting, whole

_GAIN = number(0.0, 1.0, open_high=True, advice="0.05 asks for a twentieth of the remaining errors; 0 is NoImprovement.")

Memory = tuple[float, ...]


class Stopping(Protocol):
    """A stopping rule. It has no state: what it remembers is a tuple of floats that the training loop holds."""

    def begin(self) -> Memory:
        """Return what is remembered before the first epoch."""
        ...

    def after(self, memory: Memory, accuracy: float) -> Memory:
        """Return what is remembered after an epoch with this validation accuracy."""
        ...

    def done(self, memory: Memory) -> bool:
        """Return whether training should end."""
        ...


@dataclass(frozen=True)
class NoImprovement(Template):
    """Stop when validation accuracy has not improved in ``patience`` epochs; 10, 20 and 50 are usual."""

    patience: int = setting(whole(1), default=10)

    def begin(self) -> Memory:
        return tuple(Plateau())

    def after(self, memory: Memory, accuracy: float) -> Memory:
        return tuple(Plateau(*memory).after(accuracy))

    def done(self, memory: Memory) -> bool:
        return Plateau(*memory).waited >= self.patience


@dataclass(frozen=True)
class SmallGain(Template):
    """Stop when ``patience`` epochs have not lowered the validation error by ``gain`` of what was left of it.

    Creeping and chance improvements do not keep a training alive, though the best of these epochs is kept all the same. With a
    gain of 0 it is `NoImprovement`. Compared with it in ``studies/mnist_stopping_rules.py``.

    >>> rule, memory = SmallGain(gain=0.1, patience=2), (math.inf, 0.0)
    >>> for accuracy in (0.80, 0.81, 0.825, 0.83, 0.835):
    ...     memory = rule.after(memory, accuracy)
    ...     print(rule.done(memory))
    False
    False
    False
    False
    True
    """

    gain: float = setting(_GAIN, default=0.05)
    patience: int = setting(whole(1), default=20)

    def begin(self) -> Memory:
        return (math.inf, 0.0)  # the error that the next gain is measured from, and the epochs since

    def after(self, memory: Memory, accuracy: float) -> Memory:
        mark, waited = memory
        error = 1.0 - accuracy
        return (error, 0.0) if error < mark * (1.0 - self.gain) else (mark, waited + 1)

    def done(self, memory: Memory) -> bool:
        return memory[1] >= self.patience


class Plateau(NamedTuple):
    """The best accuracy so far, and for how many epochs it has not been beaten."""

    best: float = -1.0
    waited: float = 0.0

    def after(self, accuracy: float) -> Plateau:
        """Return the plateau one epoch later; an accuracy equal to the best is no improvement.

        >>> Plateau().after(0.9).after(0.9).after(0.8)
        Plateau(best=0.9, waited=2.0)
        """
        return Plateau(accuracy) if accuracy > self.best else Plateau(self.best, self.waited + 1)
