"""The port of a strategy: proposals, batches, and the generator that yields them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from hpsearch.space import Space
from hpsearch.trial import Params, Trial

if TYPE_CHECKING:
    default = property
else:

    class default:
        """Declare a default that a subclass overrides with an attribute, a property or a dataclass field.

        To a type checker it is a property. At run time it has no setter, so that an instance may hold a value of its own. It is
        absent on the class, so that a dataclass field of the same name does not take it for its default.
        """

        def __init__(self, function):
            self.function, self.__doc__ = function, function.__doc__

        def __get__(self, instance, owner=None):
            if instance is None:
                raise AttributeError("A default is read on an instance.")
            return self.function(instance)


@dataclass(frozen=True)
class Proposal:
    """What one trial is to do: ``continues`` names the trial that it continues, ``budget`` is in the strategy's resource."""

    params: Params
    budget: int | None = None
    continues: int | None = None
    replicate: int = 0


@dataclass(frozen=True)
class Batch:
    """Proposals that may run side by side, and the stage they belong to.

    ``space`` is what they were drawn from where that is not the study's own: its ranges narrowed, or moved beyond the first
    ones where they may move; without it every proposal must lie in the study's space. ``note`` is one sentence for the
    display, such as why a range was moved, or (in a batch without proposals) why the search ends here.
    """

    proposals: Sequence[Proposal]
    stage: str = "all"
    space: Space | None = None
    note: str = ""


Search = Generator[Batch, Sequence[Trial], None]


# Checks before a search; what it returns is the space to search, or None where there is a bug to correct first.
Preflight = Generator[Batch, Sequence[Trial], Space | None]


@runtime_checkable
class Strategy(Protocol):
    """Proposes batches; a frozen dataclass whose repr is its record.

    Law: ``search`` yields a `Batch` and is sent that batch's trials in the order proposed (the failed ones too). All its
    randomness comes from ``rng``; the size of a batch never depends on the number of workers; it ends by returning.
    ``known`` are finished trials to start from, such as those of an earlier study.
    """

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search: ...


class StrategyBase:
    """Typed defaults for what a study can use of a strategy beside ``search``; subclass it and override what differs.

    Any other object with a ``search`` method is wrapped once by `hpsearch.ports.adapt_strategy`.
    """

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield batches; see `Strategy`."""
        raise NotImplementedError

    def check(self, space: Space) -> None:
        """Raise for a space that it cannot search, before the first trial of a study; by default every space will do.

        Raises:
            SettingError: naming the setting, the constraint, the value and what to do.
        """

    @default
    def trials(self) -> int | None:
        """How many trials it proposes, for the progress display; None where that is not known."""
        return None

    @default
    def complete(self) -> bool:
        """Whether every point counts: a resumed study then runs failed trials again."""
        return False

    @default
    def continues(self) -> bool:
        """Whether proposals may continue earlier trials: the study then keeps the states of a batch for the next one."""
        return False

    @default
    def thaws(self) -> bool:
        """Whether proposals may continue trials of any earlier batch, each once: the study then keeps all of their states."""
        return False

    @default
    def preflight(self) -> bool:
        """Whether the objective's pre-flight checks come first."""
        return False

    @default
    def version(self) -> int:
        """Raised when the same repr gives other trials than before; part of the study's identity where it is not 1."""
        return 1

    @default
    def batch_size(self) -> int | None:
        """The number of trials that it usually has run side by side, where a setting of that name decides it; else None."""
        return None

    @default
    def resource(self) -> str | None:
        """What its budgets are counted in, ``"epochs"`` or ``"rows"``; None where it sets no budget."""
        return None

    def on_rows(self, rows: int, fewest: int) -> StrategyBase:
        """Return the strategy for an objective of so many training rows, where its resource is ``"rows"``.

        Raises:
            SettingError: there are too few of them; ``fewest`` is the smallest number worth training on.
        """
        return self

    @default
    def max_epochs(self) -> int | None:
        """The largest budget it sets, in epochs."""
        return None
