"""Findings of the doctor: what is wrong with a store, and how to repair it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One problem of a store.

    Args:
        what: what is wrong and where, one sentence.
        remedy: what the repair does; or, where there is no automatic repair, what the user can do.
        repair: performs it; None where only the user can. Call it before asking for the next finding: until then the lock
            of the study is held, and no other process can run it.
    """

    what: str
    remedy: str
    repair: Callable[[], object] | None = None

    def __str__(self) -> str:
        return f"{self.what} {self.remedy if self.repair is None else f'With --repair: {self.remedy}'}".strip()
