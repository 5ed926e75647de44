"""Claims on a study's run: params that can be written once, each with a heartbeat beside it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpsearch.tracking.lease.owner import Owner

if TYPE_CHECKING:
    from mlflow.entities import Run

# MLflow never changes a param, so of all processes that write the same one, one wins.
OWNER = "hpsearch.owner."
HEARTBEAT = "hpsearch.heartbeat."
ENDED = "ended"
# The tag of a trial's run: the number of the claim under which it was written.
WRITTEN_UNDER = "hpsearch.owner"
# For lists, which cannot wait and see whether a heartbeat moves: clocks of two machines may differ by so much.
RECENT_SECONDS = 300.0


@dataclass(frozen=True)
class Claim:
    """The newest claim on a study.

    Args:
        number: 1 for the first owner, and one more for each that followed.
        owner: who made it.
        beat: its latest sign of life: a count and the time in seconds since 1970, ``"ended"``, or nothing yet.
    """

    number: int
    owner: Owner
    beat: str

    @property
    def is_free(self) -> bool:
        """Whether its owner has released it, or is known to have ended."""
        return self.beat == ENDED or self.owner.is_gone

    @property
    def seems_alive(self) -> bool:
        """Whether its owner gave a sign of life lately, by the clocks of both machines; for lists only."""
        count, _, second = self.beat.partition(" ")
        recent = count.isdecimal() and second.isdecimal() and abs(time.time() - int(second)) < RECENT_SECONDS
        return recent and not self.is_free


def newest_claim(run: Run) -> Claim | None:
    """Return the newest claim on a study's run, or None."""
    return find_claim(run.data.params, run.data.tags)


def find_claim(params: Mapping[str, str], tags: Mapping[str, str]) -> Claim | None:
    """Return the newest claim among the params and tags of a study's run, or None."""
    numbers = [int(key.removeprefix(OWNER)) for key in params if _is_claim(key)]
    if not numbers:
        return None
    number = max(numbers)
    return Claim(number, Owner.parse(params[f"{OWNER}{number}"]), tags.get(f"{HEARTBEAT}{number}", ""))


def written_under(run: Run) -> int:
    """Return the number of the claim under which a trial's run was written; 0 where there was none."""
    text = run.data.tags.get(WRITTEN_UNDER, "")
    return int(text) if text.isdecimal() else 0


def _is_claim(key: str) -> bool:
    return key.startswith(OWNER) and key.removeprefix(OWNER).isdecimal()
