"""Points of a space as rows of numbers: unit coordinates, and the features that a kernel compares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.space import Choice, Domain, Int, Params, Space

Array = NDArray[np.float64]

# Two options of a choice differ in two features, by this much each: their squared distance is 1, that of a range's two ends.
_HOT = np.sqrt(0.5)


@dataclass(frozen=True)
class Encoding:
    """The map of a space's points to unit coordinates, one per parameter, and to features.

    A range has one feature, its unit coordinate, and so has a choice of two options. A choice of more options has one feature
    per option, so that any two options are equally far apart. A parameter with a single value has none. An absent parameter
    is in the middle of its range, and has none of the options of its choice.
    """

    space: Space

    @cached_property
    def domains(self) -> tuple[Domain, ...]:
        """The domains in the order of the coordinates."""
        return tuple(self.space.domains.values())

    @cached_property
    def counts(self) -> NDArray[np.float64]:
        """The number of equally wide cells per parameter; 0 where values are spaced in another way, or are real numbers."""
        return np.array([_cells(domain) for domain in self.domains], float)

    @cached_property
    def by_option(self) -> NDArray[np.bool_]:
        """Which parameters are compared by equality: choices of more than two options."""
        return np.array([isinstance(d, Choice) and len(d.kept) > 2 for d in self.domains], bool)

    @cached_property
    def is_discrete(self) -> bool:
        """Whether a point may be drawn twice: some parameter has no continuum of values."""
        return bool(self.counts.any()) or bool(self._whole)

    @cached_property
    def varied(self) -> NDArray[np.intp]:
        """The indices of the parameters with more than one value."""
        return np.flatnonzero(self.counts != 1)

    @cached_property
    def owners(self) -> NDArray[np.intp]:
        """The parameter of each feature, as a position in `varied`."""
        widths = [int(self.counts[i]) if self.by_option[i] else 1 for i in self.varied]
        return np.repeat(np.arange(len(widths)), widths)

    def to_unit(self, points: Sequence[Mapping[str, Any]]) -> Array:
        """Return the unit coordinates of params, (points, parameters), within [0, 1]."""
        rows = np.array([self.space.to_unit(params) for params in points], float).reshape(len(points), len(self.domains))
        clipped: Array = np.clip(rows, 0.0, 1.0)
        return clipped

    def to_snapped(self, points: Iterable[Mapping[str, Any]]) -> Array:
        """Return the unit coordinates of params, moved to points of the space as it is now: its ranges may have changed."""
        return self.snap(self.to_unit(list(points)))

    def to_params(self, row: Array) -> Params:
        """Return the params at a row of unit coordinates."""
        return self.space.from_unit(row.tolist())

    def snap(self, units: Array) -> Array:
        """Return unit coordinates moved to points of the space: whole numbers and options to the centres of their cells."""
        snapped = np.clip(units, 0.0, 1.0)
        cells = np.flatnonzero(self.counts)
        counts = self.counts[cells]
        snapped[:, cells] = (np.minimum(np.floor(snapped[:, cells] * counts), counts - 1) + 0.5) / counts
        for column, domain in self._whole:
            snapped[:, column] = _snap_logarithmic(snapped[:, column], domain)
        for column, absent in self._absent(snapped):
            snapped[absent, column] = 0.5
        return snapped

    def features(self, units: Array) -> Array:
        """Return the features of snapped unit coordinates, (points, features)."""
        if not self.by_option.any() and len(self.varied) == len(self.domains):
            return units
        hidden = dict(self._absent(units)) if self.by_option.any() else {}
        blocks = [self._block(units, int(column), hidden) for column in self.varied]
        return np.hstack(blocks) if blocks else np.zeros((len(units), 0))

    def _block(self, units: Array, column: int, hidden: Mapping[int, NDArray[np.bool_]]) -> Array:
        if not self.by_option[column]:
            return units[:, [column]]
        options = np.arange(self.counts[column])
        block = np.where(self._positions(units, column)[:, None] == options, _HOT, 0.0)
        if column in hidden:
            block[hidden[column]] = 0.0
        return block

    def _positions(self, units: Array, column: int) -> Array:
        """Return the positions of the options of a choice, for snapped coordinates."""
        positions: Array = np.floor(units[:, column] * self.counts[column])
        return positions

    @cached_property
    def _whole(self) -> list[tuple[int, Int]]:
        """The logarithmic ranges of whole numbers, whose cells are not equally wide."""
        return [(i, d) for i, d in enumerate(self.domains) if isinstance(d, Int) and d.log and not self.counts[i]]

    @cached_property
    def _conditions(self) -> list[tuple[int, list[tuple[int, list[int]]]]]:
        """For each conditional parameter: its parents, and the positions of the options under which it is present."""
        names = list(self.space.domains)
        return [
            (column, [(names.index(parent), self._kept_positions(parent, allowed)) for parent, allowed in domain.conditions])
            for column, domain in enumerate(self.domains)
            if domain.conditions
        ]

    def _kept_positions(self, parent: str, labels: Sequence[str]) -> list[int]:
        domain = self.space.domains[parent]
        kept = [domain.text(value) for value in domain.kept] if isinstance(domain, Choice) else []
        return [kept.index(label) for label in labels if label in kept]

    def _absent(self, units: Array) -> list[tuple[int, NDArray[np.bool_]]]:
        """Return in which rows each conditional parameter is absent."""
        found: dict[int, NDArray[np.bool_]] = {}
        for column, parents in self._conditions:
            absent = np.zeros(len(units), bool)
            for parent, allowed in parents:
                absent |= ~np.isin(self._positions(units, parent), allowed)
                if parent in found:
                    absent |= found[parent]
            found[column] = absent
        return list(found.items())


def _cells(domain: Domain) -> int:
    """Return the number of equally wide cells of a domain, 0 where there are none."""
    if isinstance(domain, Choice):
        return len(domain.kept)
    return 0 if isinstance(domain, Int) and domain.log and domain.count > 1 else domain.count


def _snap_logarithmic(units: Array, domain: Int) -> Array:
    """Return the coordinates of the whole numbers whose cells hold ``units``, as `Int.to_unit` has them."""
    low, high = np.log(domain.low - 0.5), np.log(domain.high + 0.5)
    values = np.clip(np.round(np.exp(low + units * (high - low))), domain.low, domain.high)
    snapped: Array = (np.log(values) - low) / (high - low)
    return snapped
