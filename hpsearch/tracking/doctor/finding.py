"""What an examination of a store found, in words a person can act on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Args:
        what: what is wrong and where, one sentence.
        remedy: what mending does; or, where nothing mends it by itself, what a person can do.
        mend: does it; None where only a person can. Call it while the examination that found it goes on: until the next
            finding is asked for, no other process can run the study concerned.
    """

    what: str
    remedy: str
    mend: Callable[[], object] | None = None

    def __str__(self) -> str:
        return f"{self.what} {self.remedy if self.mend is None else f'With --mend: {self.remedy}'}"


def listed(numbers: list[int], most: int = 8) -> str:
    """Return numbers as text, the first few where there are many.

    >>> listed([3, 1]), listed(list(range(20)), 2)
    ('1, 3', '0, 1 and 18 more')
    """
    ordered = sorted(numbers)
    text = ", ".join(map(str, ordered[:most]))
    return text if len(ordered) <= most else f"{text} and {len(ordered) - most} more"
