"""The best trials: only finished, finite trials, lowest value first, ties to the earlier."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.errors import StudyError
from hpsearch.trial import Outcome, Status, Trial, best
from hpsearch.trial.trial import root


@given(st.lists(st.tuples(st.floats(), st.sampled_from(Status)), max_size=20))
def test_best_are_the_lowest_of_those_that_finished(rows: list[tuple[float, Status]]) -> None:
    trials = [Trial(n, {}, "all", status, Outcome(value)) for n, (value, status) in enumerate(rows)]
    usable = sorted((v, n) for n, (v, s) in enumerate(rows) if s is Status.FINISHED and math.isfinite(v))
    assert [t.number for t in best(trials, 3)] == [n for _, n in usable[:3]]


def test_a_trial_without_outcome_has_no_value() -> None:
    assert math.isnan(Trial(0, {}, "all", Status.DIED).value)


def test_best_is_one_trial_where_no_count_is_given_and_never_a_check() -> None:
    trials = [Trial(n, {}, stage, Status.FINISHED, Outcome(float(n))) for n, stage in enumerate(["pre-flight", "all", "all"])]
    assert [t.number for t in best(trials)] == [1]
    assert [t.is_preflight for t in trials] == [True, False, False]


def test_only_a_finished_trial_of_finite_value_may_be_selected() -> None:
    ends = [(Status.FINISHED, 1.0), (Status.FINISHED, math.inf), (Status.FINISHED, math.nan), (Status.STOPPED, 1.0)]
    assert [Trial(0, {}, "all", status, Outcome(value)).ok for status, value in ends] == [True, False, False, False]


def test_the_root_is_where_the_training_began() -> None:
    trials = {n: Trial(n, {}, "all", Status.FINISHED, continues=before) for n, before in [(0, None), (1, None), (4, 1), (7, 4)]}
    assert [root(trial, trials).number for trial in trials.values()] == [0, 1, 1, 1]


def test_a_root_that_is_lost_is_named() -> None:
    with pytest.raises(StudyError, match=r"^Trial 7 goes on with trial 4, which cannot be read\. Run the study"):
        root(Trial(7, {}, "all", Status.FINISHED, continues=4), {})


def test_the_repr_of_a_trial_is_that_of_earlier_records() -> None:
    """A study records a checksum of the repr of the trials that it knows. The text was printed before trials could resume."""
    trial = Trial(0, {"x": 0.5}, "all", Status.FINISHED, Outcome(0.25), started=1.0, seconds=2.0)
    assert repr(trial) == (
        "Trial(number=0, params={'x': 0.5}, stage='all', status=<Status.FINISHED: 'finished'>, outcome=Outcome(value=0.25, "
        "metrics={}, history={}, artifacts={}), budget=None, continues=None, replicate=0, error=None, started=1.0, seconds=2.0)"
    )
    assert repr(replace(trial, resumed_step=4, attempt=2)).endswith("seconds=2.0, resumed_step=4, attempt=2)")
