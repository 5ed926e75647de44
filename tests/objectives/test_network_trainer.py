"""The training plan: resolved once a trial, and what it holds against values worked out by hand."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from types import FrameType
from typing import Any

import numpy as np
import pytest

from hpsearch import data
from hpsearch.errors import SettingError
from hpsearch.nn.recipe import Recipe
from hpsearch.objectives import TrainNetwork
from hpsearch.objectives.network_trainer import PARAMETERS, TrainingPlan
from hpsearch.objectives.preflight import CHANCE
from hpsearch.ports import Context

DIGITS = data.digits()
PARAMS: dict[str, Any] = {"learning_rate": 0.5, "batch_size": 20}
COUNTED = {made.__post_init__.__code__: made.__name__ for made in (TrainingPlan, Recipe)}


def train(**settings: Any) -> TrainNetwork:
    return TrainNetwork(DIGITS, **{"hidden": (8,), "epochs": 1, "train_size": 100, **settings})


def context(stage: str = "") -> Context:
    return Context(np.random.default_rng(7), stage=stage)


def made(run: Callable[[], object]) -> dict[str, int]:
    """Run something, and return how many plans and recipes it made, counted by the interpreter's own profiling hook."""
    found: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code in COUNTED:
            found[COUNTED[frame.f_code]] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(before)
    return dict(found)


@pytest.mark.parametrize("settings", [{}, {"l2": 1.0, "rescale_penalty": True}, {"members": 3}])
def test_a_trial_resolves_its_settings_and_builds_its_recipe_once(settings: dict[str, Any]) -> None:
    objective, once = train(**settings), {"TrainingPlan": 1, "Recipe": 1}
    assert made(lambda: objective(PARAMS, context())) == once
    assert made(lambda: objective.test(PARAMS, context(), DIGITS.validation)) == once
    assert made(lambda: objective.export(PARAMS, context())) == once


def test_a_check_before_a_search_resolves_its_changed_settings_and_no_others() -> None:
    """One plan for the params, and one for the two epochs of the check."""
    objective = train()
    assert made(lambda: objective(PARAMS, context(CHANCE))) == {"TrainingPlan": 2, "Recipe": 2}


def test_the_params_are_the_documented_settings() -> None:
    """The docstring of `TrainNetwork` names those that are none; underscores are not settings."""
    never = {"data", "start", "value", "dtype", "rescale_penalty", "reference_batch_size", "engine", "standardize", "scoring"}
    names = {item.name for item in fields(TrainNetwork) if not item.name.startswith("_")}
    settings = {name for name in names if not name.startswith("monitor_")}
    assert settings - never == PARAMETERS


def test_a_plan_holds_what_follows_from_the_params() -> None:
    """1,079 training rows of 64 pixels in 10 classes, of which 100 are used."""
    plan = train(l2=5.0, l1=2.0, rescale_penalty=True).plan({**PARAMS, "hidden": (30, 20), "members": 4})
    assert plan.sizes == (64, 30, 20, 10)
    assert (len(plan.rows), len(plan.validation[1]), plan.members) == (100, 359, 4)
    assert (plan.recipe.learning_rate, plan.recipe.batch_size, plan.recipe.keep) == (0.5, 20, "accuracy")
    assert (plan.recipe.l2, plan.recipe.l1) == pytest.approx((5.0 * 100 / 1079, 2.0 * 100 / 1079), rel=1e-12)


def test_a_plan_of_numbers_has_one_output_and_the_units_of_the_rows_it_trains_on() -> None:
    x = np.arange(50, dtype=np.float32).reshape(-1, 1)
    rows = data.arrays(x, 3.0 * x[:, 0] + 1.0, test=0, regression=True)
    plan = TrainNetwork(rows, hidden=(), learning_rate=0.1).plan({"train_size": 20})
    used = rows.train.y[:20]
    assert plan.sizes == (1, 1)
    assert plan.recipe.keep == "cost"
    np.testing.assert_allclose(plan.targets.encode(plan.rows)[1], (used - used.mean()) / used.std())


def test_a_changed_plan_is_resolved_anew() -> None:
    plan = train().plan(PARAMS)
    small = plan.changed(train_rows=15, epochs=3)
    assert (len(small.rows), small.recipe.batch_size, small.recipe.epochs, small.recipe.learning_rate) == (15, 15, 3, 0.5)
    assert (len(plan.rows), plan.recipe.batch_size, plan.recipe.epochs) == (100, 20, 1)
    with pytest.raises(SettingError, match=r"epochs must be a whole number >= 1, got 0\."):
        plan.changed(epochs=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_some_classes_train_and_score_as_the_data_set_of_them(classes: int, dtype: str) -> None:
    """The other way to the same rows is `Dataset.only`; bits, outputs and test scores agree."""
    few = TrainNetwork(DIGITS.only(range(classes)), hidden=(8,), epochs=2, dtype=dtype)
    whole = TrainNetwork(DIGITS, hidden=(8,), epochs=2, dtype=dtype)
    assert whole(PARAMS | {"classes": classes}, context()) == few(PARAMS, context())
    fixed = TrainNetwork(DIGITS, hidden=(8,), epochs=2, dtype=dtype, classes=classes)
    assert fixed(PARAMS, context()) == few(PARAMS, context())
    assert fixed.baseline == few.baseline
    part = DIGITS.validation
    assert whole.test(PARAMS | {"classes": classes}, context(), part) == few.test(PARAMS, context(), part.only(range(classes)))
    labels = whole.export(PARAMS | {"classes": classes}, context()).architecture["labels"]
    assert [int(label) for label in labels] == list(range(classes))


def test_sizes_beyond_the_rows_of_some_classes_are_cut() -> None:
    rows = int((DIGITS.train.y < 2).sum())
    plan = TrainNetwork(DIGITS, train_size=900, batch_size=500).plan({"classes": 2, "learning_rate": 0.1})
    assert (len(plan.rows), plan.recipe.batch_size) == (rows, rows)


@pytest.mark.parametrize("classes", [1, 11, 2.5, True, "2"])
def test_a_wrong_number_of_classes_is_refused(classes: object) -> None:
    with pytest.raises(SettingError, match=r"classes must be a whole number .*, got .*Leave it out for all"):
        TrainNetwork(DIGITS).plan({"classes": classes, "learning_rate": 0.1})


def test_a_table_is_reduced_to_some_of_its_classes() -> None:
    rows = np.repeat(["a", "b", "c"], 40)
    frame = {"size": np.arange(120.0), "kind": np.tile(["x", "y"], 60), "answer": rows}
    pandas = pytest.importorskip("pandas")
    table = data.table(pandas.DataFrame(frame), target="answer")
    objective = TrainNetwork(table, hidden=(4,), epochs=1)
    assert objective.export(PARAMS | {"classes": 2}, context()).architecture["labels"] == ["a", "b"]
