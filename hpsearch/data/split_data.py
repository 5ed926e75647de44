"""What data sets of any kind of rows have in common: two open parts, whose contents say which data set it is."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

from hpsearch.data.vault import Sealed
from hpsearch.ports import DataSet, PartRecord


class SplitData(DataSet):
    """A data set with the fields ``name``, ``train``, ``validation`` and ``test``, the handle of a sealed part or None.

    Two are equal when they are of one class, and name and checksum are equal.
    """

    name: str
    train: Any
    validation: Any
    test: Sealed | None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self is other or (self.name == other.name and self.checksum == other.checksum)

    def __hash__(self) -> int:
        return hash((self.name, self.checksum))

    def __repr__(self) -> str:
        return f"{self.name}(train={len(self.train)}, validation={len(self.validation)})"

    @cached_property
    def checksum(self) -> str:
        """SHA-256 (hex) over the contents of both open parts, part of a study's identity; computed on first use."""
        return hashlib.sha256(f"{self.train.checksum} {self.validation.checksum}".encode()).hexdigest()

    @property
    def part_records(self) -> tuple[PartRecord, ...]:
        """Names, sizes and checksums of all parts; of the sealed one too, which that does not open."""
        parts = [PartRecord(n, len(p), p.checksum) for n, p in (("training", self.train), ("validation", self.validation))]
        if self.test is not None:
            parts.append(PartRecord("test", len(self.test), self.test.checksum, sealed=True))
        return tuple(parts)
