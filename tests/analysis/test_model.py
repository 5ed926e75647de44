"""The model of a study's trials: which trials enter it, on which scale, and its length scales."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hpsearch import Choice, Float, Int, Outcome, Space, Status
from hpsearch.analysis.findings import Findings
from hpsearch.analysis.model import Model, ValueScale, fit_model
from tests.analysis.findings import findings

PLANE = Space(x=Float(0.0, 1.0), y=Float(0.0, 1.0))


def fitted(found: Findings) -> Model:
    model = fit_model(found)
    assert isinstance(model, Model), model
    return model


def test_a_parameter_along_which_the_value_waves_has_the_shortest_length_scale() -> None:
    """sin(12 x) turns four times over the range, y^2 never, and z has no effect."""
    space = Space(z=Float(0.0, 1.0), y=Float(0.0, 1.0), x=Float(0.0, 1.0))
    model = fitted(findings(space, lambda x, y, z: np.sin(12 * x) + y**2, 64))
    assert list(model.length_scales) == ["x", "y", "z"]
    assert model.length_scales["x"] < 0.5 < 1.0 < model.length_scales["z"]


def test_predictions_at_trials_are_their_values_on_both_scales() -> None:
    for function, is_log in ((lambda x, y: 2.0 + x * y, False), (lambda x, y: 10.0 ** (3 * x - y), True)):
        model = fitted(findings(PLANE, function, 64))
        assert model.is_log is is_log
        assert model.scale.to_values(model.means(model.units)) == pytest.approx(model.values, rel=0.05)


@pytest.mark.parametrize("floor", [None, 0.0, -3.0])
def test_a_scale_is_undone_by_its_inverse(floor: float | None) -> None:
    values = np.array([0.01, 0.5, 3.0, 200.0])
    scale = ValueScale.of(values, floor)
    targets = scale.to_targets(values)
    assert targets.mean() == pytest.approx(0.0, abs=1e-12)
    assert targets.std() == pytest.approx(1.0)
    assert scale.to_values(targets) == pytest.approx(values)


def test_very_bad_and_huge_values_are_clipped() -> None:
    """Median m and best b of the linear values: what is worse than m + 3 (m - b) counts as that."""
    found = findings(PLANE, lambda x, y: 1e300 if x > 0.9 else x - 0.5)
    model, values = fitted(found), np.array([trial.value for trial in found.trials])
    limit = np.median(values) + 3 * (np.median(values) - values.min())
    assert model.limit == pytest.approx(limit)
    assert model.values.max() == pytest.approx(limit)


def test_failed_trials_count_as_the_worst_and_stopped_ones_not_at_all() -> None:
    found = findings(PLANE, lambda x, y: 1.0 + x)
    trials = list(found.trials)
    trials[3] = replace(trials[3], status=Status.FAILED, outcome=None)
    trials[4] = replace(trials[4], status=Status.STOPPED)
    model = fitted(replace(found, trials=trials))
    assert 4 not in [trial.number for trial in model.trials]
    assert model.values[3] == max(trial.value for trial in trials if trial.ok)


def test_the_largest_budget_with_ten_finished_trials_is_taken() -> None:
    found = findings(PLANE, lambda x, y: x, 16, budgets=(1, 3, 9))
    few = [replace(t, status=Status.FAILED, outcome=None) if t.budget == 9 and t.number % 2 else t for t in found.trials]
    assert fitted(found).budget == 9
    model = fitted(replace(found, trials=few))
    assert model.budget == 3
    assert {trial.budget for trial in model.trials} == {3}
    assert fitted(findings(PLANE, lambda x, y: x, 16, budgets=(9,))).budget is None  # there is nothing to say


def test_of_many_trials_the_hundred_best_are_among_those_taken() -> None:
    model = fitted(findings(PLANE, lambda x, y: x, 256))
    assert len(model.trials) == 200
    assert set(range(100)) <= {round(rank * 255) for rank in map(model.findings.ranks.get, (t.number for t in model.trials))}  # type: ignore[operator]


def test_values_beyond_the_ranges_widen_the_space() -> None:
    found = findings(Space(x=Float(1e-2, 1.0, log=True), n=Int(1, 4)), lambda x, n: x)
    beyond = replace(found.trials[0], params={"x": 100.0, "n": 9}, outcome=Outcome(100.0))
    model = fitted(replace(found, trials=[beyond, *found.trials[1:]]))
    assert (model.space["x"].high, model.space["n"].high) == (100.0, 9)  # type: ignore[union-attr]
    assert (model.units <= 1.0).all()


def test_parameters_that_never_changed_are_named_and_have_no_length_scale() -> None:
    found = findings(Space(x=Float(0.0, 1.0), fixed=Choice(3), y=Float(0.0, 1.0)), lambda x, y, fixed: x)
    trials = [replace(trial, params=trial.params | {"y": 0.5}) for trial in found.trials]
    model = fitted(replace(found, trials=trials))
    assert model.constant == ("fixed", "y")
    assert list(model.length_scales) == ["x"]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (findings(PLANE, lambda x, y: x, 8), "The model needs 10 finished trials, and there are 8."),
        (
            findings(PLANE, lambda x, y: x, 8, budgets=(1, 3)),
            "The model needs 10 finished trials of one budget, and there are 8.",
        ),
        (findings(PLANE, lambda x, y: float("inf")), "No trial has finished."),
        (findings(PLANE, lambda x, y: 0.0), "The model cannot be fitted: all trials have the same params or the same value."),
        (findings(PLANE, lambda x, y: -7.5), "The model cannot be fitted: all trials have the same params or the same value."),
        (
            findings(Space(x=Float(2.0, 2.0)), lambda x: x),
            "The model cannot be fitted: all trials have the same params or the same value.",
        ),
    ],
)
def test_says_in_one_sentence_why_there_is_none(found: Findings, sentence: str) -> None:
    assert fit_model(found) == sentence
