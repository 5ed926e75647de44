"""Long curves lose points, by a rule that depends on their length alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpsearch import Context, Float, Space, Study, data
from hpsearch.execution.outcome import POINTS, thin_curve, thin_curves, to_outcome
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import Halving, Random
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker, MlflowTracker
from hpsearch.trial import Outcome, Status, Trial


def curve(length: int) -> tuple[tuple[int, float], ...]:
    return tuple((step, math.sin(step)) for step in range(1, length + 1))


@pytest.mark.parametrize("length", [0, 1, 2, POINTS])
def test_a_short_curve_stays(length: int) -> None:
    assert thin_curve(curve(length)) == curve(length)


@pytest.mark.parametrize("length", [101, 127, 128, 199, 200, 201, 1000, 12_345])
def test_a_long_curve_keeps_evenly_spaced_points_and_its_ends(length: int) -> None:
    kept, whole = thin_curve(curve(length)), curve(length)
    assert POINTS / 2 <= len(kept) <= POINTS
    assert (kept[0], kept[-1]) == (whole[0], whole[-1])
    assert set(kept) <= set(whole)
    assert len(set(np.diff([step for step, _ in kept[:-1]]))) == 1


def test_curves_of_different_length_have_the_steps_of_the_coarser_one_in_common() -> None:
    fine, coarse = ({step for step, _ in thin_curve(curve(length))[:-1]} for length in (150, 390))
    assert {step for step in coarse if step <= 150} <= fine


def test_a_trial_is_the_same_object_where_nothing_is_long() -> None:
    trial = Trial(0, {}, "all", Status.FINISHED, Outcome(1.0, {}, {"cost": curve(POINTS)}))
    assert thin_curves(trial) is trial
    assert thin_curves(replace(trial, outcome=None)).outcome is None


def report(params: dict[str, float], context: Context) -> float:
    for step in range(250):
        context.report(step, cost=params["x"] / (step + 1), odd=math.nan if step % 7 else -0.0)
    if params["x"] > 0.5:
        raise ValueError("its curves show why")
    return params["x"]


def test_a_resumed_study_has_the_same_curves(tmp_path: Path, put_store: Callable[[Path], Path]) -> None:
    put_store(tmp_path)
    study = Study("thin", Space(x=Float(0.0, 1.0)), report, Random(trials=6))
    alone = study.run(1, backend="sequential", tracker=MemoryTracker())
    assert {len(c) for t in alone.trials if t.outcome for c in t.outcome.history.values()} == {64}
    assert {trial.status for trial in alone.trials} == {Status.FINISHED, Status.FAILED}
    study.run(2, backend="threading", tracker=MlflowTracker(root=tmp_path), report=False)
    assert table(study.run(1, tracker=MlflowTracker(root=tmp_path), report=False).trials) == table(alone.trials)


def test_training_that_goes_on_thins_its_whole_curve() -> None:
    """A trial of 120 epochs reached in two rungs has the curve of one trained at once."""
    objective = TrainNetwork(data.digits().head(60, 30), hidden=(4,), epochs=120, batch_size=20)
    space = Space(learning_rate=Float(0.1, 1.0))
    halved = Study("h", space, objective, Halving(trials=4, min_epochs=30, max_epochs=120, factor=2))
    trials = halved.run(1, backend="sequential", tracker=MemoryTracker()).trials
    last = trials[-1]
    assert (last.budget, last.continues is None) == (120, False)
    assert last.outcome is not None
    steps = [step for step, _ in last.outcome.history["validation_cost"]]
    assert steps == [*range(1, 120, 2), 120]
    assert last.outcome.metrics["epochs"] == 120


@pytest.mark.parametrize("value", [3.0, -0.25])
def test_a_maximised_value_is_negated_and_its_metrics_are_not(value: float) -> None:
    context = Context(np.random.default_rng(0))
    for returned in (value, {"value": value, "size": 3}, Outcome(value, {"size": 3.0})):
        assert to_outcome(returned, context, -1, False).value == -value
        assert to_outcome(returned, context, 1, False).value == value
    assert to_outcome({"value": value, "size": 3}, context, -1, False).metrics == {"size": 3.0}
