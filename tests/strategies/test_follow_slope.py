"""Descent along reported derivatives: on bowls whose optimum is known, at the ends of ranges, and after failures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import Choice, Float, Int, Outcome, Space, Status, Trial
from hpsearch.errors import SettingError
from hpsearch.ports import Batch, Proposal
from hpsearch.strategies import FollowSlope
from hpsearch.testing import drive

SPACE = Space(rate=Float(1e-3, 10.0, log=True), x=Float(-1.0, 1.0))


def bowl(params: Mapping[str, Any], rate: float = 0.3, x: float = 0.2) -> Outcome:
    """Return the squared distance in decades and in quarters, with its derivatives."""
    decades = math.log10(params["rate"] / rate)
    slopes = {"slope.rate": 2 * decades / (params["rate"] * math.log(10)), "slope.x": 2 * (params["x"] - x)}
    return Outcome(decades**2 + (params["x"] - x) ** 2, slopes)


def run(
    strategy: FollowSlope, space: Space = SPACE, value: Callable[[Mapping[str, Any]], Outcome | None] = bowl, **options: Any
) -> tuple[list[Batch], list[Trial]]:
    def end(number: int, proposal: Proposal, stage: str) -> Trial:
        found = value(proposal.params)
        status = Status.DIVERGED if found is None else Status.FINISHED
        return Trial(number, proposal.params, stage, status, found, error="" if found else "diverged")

    return drive(strategy, space, end=end, **options)


@given(rate=st.floats(1e-3, 10.0), x=st.floats(-1.0, 1.0), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_it_comes_to_the_bottom_of_any_bowl(rate: float, x: float, seed: int) -> None:
    """Also where that lies at an end of a range."""
    _, trials = run(FollowSlope(trials=60, starts=2), value=lambda params: bowl(params, rate, x), seed=seed)
    best = min(trials, key=lambda trial: trial.value)
    assert abs(math.log10(best.params["rate"] / rate)) < 0.2
    assert abs(best.params["x"] - x) < 0.1


def test_one_descent_halves_its_distance_in_fewer_than_four_trials() -> None:
    _, trials = run(FollowSlope(trials=12, starts=1), value=lambda params: bowl(params, 5.0, -0.9))
    lowest = [math.sqrt(min(trial.value for trial in trials[: n + 1])) for n in range(12)]
    assert lowest[8] < lowest[0] / 4


def test_each_batch_has_a_trial_of_each_descent() -> None:
    batches, trials = run(FollowSlope(trials=11, starts=4))
    assert [len(batch.proposals) for batch in batches] == [4, 4, 3]
    assert len(trials) == 11


def test_a_failed_step_is_halved() -> None:
    """Beyond a rate of 1 all trials diverge; the optimum of the bowl lies there."""
    _, trials = run(
        FollowSlope(trials=30, starts=2), value=lambda params: None if params["rate"] > 1 else bowl(params, 5.0, 0.2), seed=2
    )
    best = min((trial for trial in trials if trial.ok), key=lambda trial: trial.value)
    assert best.params["rate"] > 0.7


def test_choices_and_whole_numbers_stay_as_a_descent_begins() -> None:
    space = Space(rate=Float(1e-3, 10.0, log=True), x=Float(-1.0, 1.0), n=Int(1, 9), kind=Choice("a", "b"))
    _, trials = run(FollowSlope(trials=8, starts=2), space)
    assert len({(trial.params["n"], trial.params["kind"]) for trial in trials}) <= 3


def test_without_a_derivative_it_ends_with_a_sentence() -> None:
    batches, trials = run(FollowSlope(trials=9, starts=3), value=lambda params: Outcome(params["x"], {"slope.rate": 1.0}))
    assert len(trials) == 3
    assert "Trial 0 reports no metric 'slope.x', so there is no slope to follow" in batches[-1].note


def test_a_level_value_begins_anew() -> None:
    _, trials = run(FollowSlope(trials=6, starts=1), value=lambda params: Outcome(1.0, {"slope.rate": 0.0, "slope.x": 0.0}))
    assert len({trial.params["x"] for trial in trials}) == 6


@pytest.mark.parametrize(
    ("settings_", "sentence"),
    [
        ({"trials": 0}, r"FollowSlope trials must be a whole number >= 1, got 0\. Try 32\."),
        ({"starts": 0}, r"FollowSlope starts must be a whole number >= 1, got 0\. Try 4\."),
        ({"step": 0.0}, r"FollowSlope step must be .*, got 0\.0\. Try 0\.2\."),
        ({"step": "far"}, r"FollowSlope step must be .*, got 'far'"),
    ],
)
def test_wrong_settings_are_refused(settings_: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        FollowSlope(**settings_)


def test_a_space_without_floats_is_refused() -> None:
    with pytest.raises(SettingError, match="The space of FollowSlope must be one with a Float to move along"):
        run(FollowSlope(), Space(n=Int(1, 9)))
