"""How long validation accuracy has not improved: the rule that schedules and early stopping share."""

from __future__ import annotations

from typing import NamedTuple


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
