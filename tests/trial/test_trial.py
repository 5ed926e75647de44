"""The best trials: only finished, finite trials, lowest value first, ties to the earlier."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from hpsearch.trial import Outcome, Status, Trial, best


@given(st.lists(st.tuples(st.floats(), st.sampled_from(Status)), max_size=20))
def test_best_are_the_lowest_of_those_that_finished(rows: list[tuple[float, Status]]) -> None:
    trials = [Trial(n, {}, "all", status, Outcome(value)) for n, (value, status) in enumerate(rows)]
    usable = sorted((v, n) for n, (v, s) in enumerate(rows) if s is Status.FINISHED and math.isfinite(v))
    assert [t.number for t in best(trials, 3)] == [n for _, n in usable[:3]]


def test_a_trial_without_outcome_has_no_value() -> None:
    assert math.isnan(Trial(0, {}, "all", Status.DIED).value)
