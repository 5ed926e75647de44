"""Ended trials by a score, for strategies that are driven without a study."""

from __future__ import annotations

import math
from collections.abc import Callable

from hpsearch import Outcome, Proposal, Status, Trial
from hpsearch.testing.driver import Ending

# Returns the value of a trial, given its number and its proposal; None where it fails.
Score = Callable[[int, Proposal], float | None]


def ended_by(score: Score) -> Ending:
    """Return what ends a trial with its score: one without a score fails, one that is not finite diverges."""

    def end(number: int, p: Proposal, stage: str) -> Trial:
        value = score(number, p)
        if value is None:
            return Trial(number, p.params, stage, Status.FAILED, None, p.budget, p.continues, error="ValueError: planted.")
        status = Status.FINISHED if math.isfinite(value) else Status.DIVERGED
        return Trial(number, p.params, stage, status, Outcome(value), p.budget, p.continues)

    return end
