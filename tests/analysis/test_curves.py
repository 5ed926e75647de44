"""Which curves are shown, which comes first, and how long ones are thinned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import pytest

from hpsearch.analysis.curves import POINTS, curve_names, gap, learning_curves
from hpsearch.analysis.findings import Findings
from hpsearch.space import Float, Space
from hpsearch.trial import Candidate, Curve, Outcome, Status, Trial


def found(histories: list[Mapping[str, Curve]], measure: str = "a score", values: list[float] | None = None) -> Findings:
    given = values or [float(n) for n in range(len(histories))]
    trials = [
        Trial(n, {}, "all", Status.FINISHED, Outcome(v, history=h))
        for n, (v, h) in enumerate(zip(given, histories, strict=True))
    ]
    setting = Candidate({}, None, (trials[0],))
    return Findings("s", measure, False, Space(x=Float(0, 1)), trials, setting)


def line(count: int) -> Curve:
    return tuple((step, float(step)) for step in range(count))


@pytest.mark.parametrize(
    ("count", "kept"), [(1, 1), (POINTS, POINTS), (POINTS + 1, POINTS // 2 + 1), (2 * POINTS, POINTS + 1), (1001, 168)]
)
def test_a_long_curve_is_thinned_evenly_and_keeps_its_ends(count: int, kept: int) -> None:
    """By hand: every second point of 201 are 101 with both ends; of 400 every second, and the last; of 1001 every sixth."""
    ((_, curve),) = learning_curves(found([{"cost": line(count)}]), "cost")
    assert len(curve) == kept
    assert (curve[0], curve[-1]) == ((0, 0.0), (count - 1, count - 1.0))
    steps = [b[0] - a[0] for a, b in pairwise(curve)]
    assert len(set(steps[:-1])) <= 1
    assert all(last <= first for first, last in zip(steps[:1], steps[-1:], strict=True))


def test_only_finite_points_and_trials_that_have_some_are_shown() -> None:
    histories: list[Mapping[str, Curve]] = [
        {"cost": ((1, math.inf), (2, 0.5), (3, math.nan))},
        {"cost": ((1, math.nan),)},
        {"other": ((1, 1.0),)},
    ]
    assert [(t.number, curve) for t, curve in learning_curves(found(histories), "cost")] == [(0, ((2, 0.5),))]


def test_the_curve_of_the_value_comes_first_then_validation_then_training() -> None:
    names = ["gradient", "training_cost", "validation_cost", "validation_accuracy"]
    history = {name: ((1, 0.1 * i), (2, 0.2 + i)) for i, name in enumerate(names)}
    order = ["validation_cost", "validation_accuracy", "training_cost", "gradient"]
    assert curve_names(found([history], values=[77.0])) == order
    assert curve_names(found([history], measure="cross-validation accuracy", values=[77.0])) == [order[1], order[0], *order[2:]]
    assert curve_names(found([history], values=[1.2]))[0] == "training_cost"  # one of its points is the value
    assert curve_names(found([history], values=[0.8]))[0] == "gradient"  # an error of 0.8 is an accuracy of 0.2
    assert curve_names(found([history], measure="gradient"))[0] == "gradient"


def test_what_is_known_before_training_alone_is_no_curve() -> None:
    assert curve_names(found([{"parameters": ((0, 70.0),), "cost": ((0, 3.0), (1, 2.0)), "empty": ()}])) == ["cost"]


ACCURACY = {"validation_accuracy": ((1, 0.5), (2, 0.7), (3, 0.75)), "training_accuracy": ((1, 0.5), (2, 0.8), (3, 0.95))}
COSTS = {"validation_cost": ((1, 2.0), (2, 1.5), (3, 1.75)), "training_cost": ((1, 2.5), (2, 1.0), (3, 0.5))}


def test_the_gap_of_the_best_trial_is_that_of_its_value() -> None:
    history = COSTS | ACCURACY
    other = dict.fromkeys(history, ((1, 9.0), (2, 9.0)))
    apart = gap(found([history, other], measure="validation accuracy"))
    assert apart is not None
    assert (apart.trial.number, apart.name, apart.source, apart.steps) == (0, "accuracy", "training_accuracy", [1, 2, 3])
    assert (apart.training, apart.validation) == ([0.5, 0.8, 0.95], [0.5, 0.7, 0.75])
    cost = gap(found([history], measure="validation cost"))
    assert cost is not None
    assert (cost.name, cost.training) == ("cost", [2.5, 1.0, 0.5])
    sampled = gap(found([history | {"sampled_training_cost": COSTS["validation_cost"]}], measure="validation cost"))
    assert sampled is not None
    assert sampled.source == "sampled_training_cost"  # of the same weights, where the training cost is one of all steps


def test_where_the_value_has_no_gap_another_measure_has() -> None:
    history = COSTS | {"validation_accuracy": ACCURACY["validation_accuracy"]}
    apart = gap(found([history], measure="validation accuracy"))
    assert apart is not None
    assert apart.name == "cost"


def test_a_gap_has_the_steps_where_both_are_finite() -> None:
    history = {
        "validation_loss": ((2, 1.0), (4, math.nan), (6, 3.0), (8, 4.0)),
        "training_loss": ((1, 0.5), (2, 0.6), (4, 0.7), (6, math.inf), (8, 0.9)),
    }
    apart = gap(found([history]))
    assert apart is not None
    assert (apart.steps, apart.training, apart.validation) == ([2, 8], [0.6, 0.9], [1.0, 4.0])
    assert gap(found([{"validation_loss": ((1, 1.0),), "training_loss": ((1, 1.0),)}])) is None
    assert gap(found([{"validation_": ((1, 1.0), (2, 1.0)), "training_cost": ((1, 1.0), (2, 1.0))}])) is None
    assert gap(found([{"cost": line(5)}])) is None
    assert gap(found([{}])) is None


def test_a_long_gap_is_thinned() -> None:
    apart = gap(found([{"validation_cost": line(1001), "training_cost": line(1001)}]))
    assert apart is not None
    assert len(apart.steps) == len(apart.training) == 168
    assert apart.steps[-1] == 1000
