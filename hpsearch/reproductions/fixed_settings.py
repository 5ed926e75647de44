"""A fixed list of settings as a strategy and a space, for published experiments whose params vary together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from hpsearch.checks import LATER, recorded_repr
from hpsearch.ports import Batch, Proposal, Search
from hpsearch.space import Choice, Space
from hpsearch.trial import Params, Trial


@dataclass(frozen=True, repr=False)
class Listed:
    """Try each of the settings once, in one batch.

    Args:
        settings: params, each with a value for every parameter of the space.
        budget: epochs of each trial; None leaves it to the objective.
    """

    __repr__ = recorded_repr

    # Settings that failed are run again when the study is: a table with holes is no table.
    complete: ClassVar[bool] = True

    settings: tuple[Params, ...]
    budget: int | None = field(default=None, metadata=LATER)

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield one batch, in the order of the list."""
        yield Batch([Proposal(dict(params), self.budget) for params in self.settings])


def space_of(settings: Sequence[Mapping[str, Any]]) -> Space:
    """Return the space that holds the values of these settings and no others.

    >>> space_of([{"hidden": 30, "l2": 0.0}, {"hidden": 30, "l2": 5.0}])
    Space(hidden=Choice(30), l2=Choice(0.0, 5.0))
    """
    return Space(**{name: Choice(*dict.fromkeys(params[name] for params in settings)) for name in settings[0]})


def as_params(setting: Mapping[str, Any], space: Space) -> Params:
    """Return a setting as a trial has it: rules such as a schedule are named by their labels."""
    found: Params = {}
    for name, value in setting.items():
        domain = space[name]
        assert isinstance(domain, Choice)
        found[name] = domain.values[domain.index(value)]
    return found
