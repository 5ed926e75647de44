"""Early stopping: when to end the training before its epochs are used up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hpsearch.nn.plateau import Plateau
from hpsearch.nn.settings import Template, setting, whole

Memory = tuple[float, ...]


class Stopping(Protocol):
    """The law of a stopping rule: it keeps nothing, what it remembers is a tuple of floats held by the training loop."""

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
