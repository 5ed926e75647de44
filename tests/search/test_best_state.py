"""The state that is kept is that of the incumbent."""

from __future__ import annotations

import math
from typing import Any

from hpsearch.search.export import BestState
from hpsearch.trial import Outcome, Status, Trial


def ended(number: int, value: float, status: Status = Status.FINISHED, stage: str = "all", state: Any = ...) -> Trial:
    state = {"number": number} if state is ... else state
    return Trial(number, {}, stage, status, Outcome(value, state=state))


def kept(*trials: Trial) -> int:
    best = BestState()
    for trial in trials:
        best.update(trial)
    assert best.state == (None if best.number == -1 else {"number": best.number})
    return best.number


def test_the_lowest_value_wins_and_of_equal_ones_the_earlier_number() -> None:
    assert kept() == -1
    assert kept(ended(0, 2.0), ended(1, 1.0), ended(2, 3.0)) == 1
    assert kept(ended(4, 1.0), ended(3, 1.0), ended(5, 1.0)) == 3


def test_what_may_not_be_selected_is_not_kept() -> None:
    others = [
        ended(1, -1.0, Status.STOPPED),
        ended(2, -math.inf),
        ended(3, -2.0, stage="pre-flight"),
        ended(4, -3.0, state=None),
    ]
    assert kept(*others, Trial(5, {}, "all", Status.DIED)) == -1
    assert kept(ended(0, 2.0), *others) == 0
