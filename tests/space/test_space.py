"""Spaces: points, conditions, templates, grids, the unit cube, and errors for bad arguments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC

from hpsearch import Choice, Float, Int, Space
from hpsearch.errors import SpaceError
from hpsearch.testing import SPACES


@dataclass(frozen=True)
class Constant:
    pass


@dataclass(frozen=True)
class Plateau:
    patience: Any = 10

    def __post_init__(self) -> None:
        if isinstance(self.patience, int) and self.patience < 1:
            raise ValueError("patience must be >= 1")


SCHEDULES = Space(rate=Float(0.1, 1.0), schedule=Choice(Constant(), Plateau(patience=Int(2, 10))))


@pytest.fixture(params=list(SPACES))
def space(request: pytest.FixtureRequest) -> Space:
    return SPACES[request.param]


def test_samples_lie_inside_and_come_back_from_text_and_cube(space: Space) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        params = space.sample(rng)
        space.check(params)
        assert space.parse(space.text(params)) == params
        again = space.from_unit(space.to_unit(params))
        assert list(again) == list(params)
        for name, value in params.items():
            assert again[name] == (pytest.approx(value, rel=1e-9, nan_ok=True) if isinstance(value, float) else value)


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_every_point_of_the_cube_is_a_point_of_the_space(point: list[float]) -> None:
    mixed = SPACES["mixed"]
    assert mixed.contains(mixed.from_unit(point))


def test_conditional_parameters_follow_their_choice() -> None:
    conditional, rng = SPACES["conditional"], np.random.default_rng(1)
    drawn = [conditional.sample(rng) for _ in range(40)]
    assert {("mu" in params) == (params["o"] == "momentum") for params in drawn} == {True}
    assert {params["o"] for params in drawn} == {"sgd", "momentum"}


def test_a_template_becomes_conditional_parameters() -> None:
    assert list(SCHEDULES) == ["rate", "schedule", "schedule.patience"]
    point = {"rate": 0.5, "schedule": "Plateau", "schedule.patience": 4}
    assert SCHEDULES.resolve(point) == {"rate": 0.5, "schedule": Plateau(4)}
    assert SCHEDULES.resolve({"rate": 0.5, "schedule": "Constant"}) == {"rate": 0.5, "schedule": Constant()}


def test_templates_that_share_a_field_get_distinct_names() -> None:
    @dataclass(frozen=True)
    class Other:
        patience: Any = 1

    shared = Space(s=Choice(Plateau(patience=Int(2, 10)), Other(patience=Int(1, 3))))
    assert list(shared) == ["s", "s.Plateau.patience", "s.Other.patience"]
    assert shared.resolve({"s": "Other", "s.Other.patience": 2}) == {"s": Other(2)}


def test_a_grid_covers_each_branch_once() -> None:
    grid = SCHEDULES.grid({"rate": 2, "schedule.patience": [3, 7]})
    assert len(grid) == 2 * (1 + 2)
    assert len({repr(row) for row in grid}) == 6


def test_corners_show_every_end_and_option() -> None:
    seen = list(SCHEDULES.corners())
    assert {p["rate"] for p in seen} >= {0.1, 1.0}
    assert {p.get("schedule.patience") for p in seen} >= {2, 10, None}
    assert all(SCHEDULES.contains(p) for p in seen)


def test_spaces_compare_by_content() -> None:
    assert Space(x=Float(0, 1)) == Space(x=Float(0, 1)) != Space(x=Float(0, 2))
    assert repr(Space(x=Float(0, 1), c=Choice(1, 2))) == "Space(x=Float(0.0, 1.0), c=Choice(1, 2))"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"rate": 0.5, "schedule": "Constant", "rte": 1}, "Unknown parameter 'rte'.*Did you mean 'rate'"),
        ({"rate": 0.5}, "Parameter 'schedule' must be given"),
        ({"rate": 5.0, "schedule": "Constant"}, r"Parameter 'rate' must be in Float\(0.1, 1.0\), got 5.0"),
        ({"rate": 0.5, "schedule": "Constant", "schedule.patience": 3}, "'schedule.patience' must be absent"),
        ({"rate": 0.5, "schedule": "Plateau"}, "Parameter 'schedule.patience' must be given"),
    ],
)
def test_points_outside_raise_by_name(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        SCHEDULES.check(params)
    assert not SCHEDULES.contains(params)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Space(x=3), "Parameter 'x' must be a Float, Int or Choice, got 3"),
        (lambda: Space(x=Float(0, 1, when={"o": "a"})), "Condition of 'x' must be on a Choice declared before it"),
        (lambda: Space(o=Choice("a"), x=Float(0, 1, when={"o": "b"})), "Condition of 'x' must be on an option of 'o'"),
        (lambda: Space(x=Float(0, 1, when={"o": "a"}), o=Choice("a")), "declared before it"),
    ],
)
def test_bad_spaces_raise(make: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        make()


def test_a_space_with_other_ranges_differs_in_them_alone() -> None:
    space = Space(a=Float(0.0, 1.0), b=Float(0.0, 1.0))
    changed = space.with_domains({"a": Float(0.0, 0.5), "b": Float(0.0, 1.0)})
    assert changed["a"] == Float(0.0, 0.5)
    assert changed.replaced == (("a", Float(0.0, 0.5)),)
    assert changed != space
    assert repr(changed) == "Space(a=Float(0.0, 0.5), b=Float(0.0, 1.0))"


def test_corners_meet_the_conditions_of_a_condition() -> None:
    """A parameter two choices deep: its corners need both of the options above it."""
    space = Space(a=Choice("x", "y"), b=Choice("p", "q", when={"a": "y"}), c=Float(0.0, 1.0, when={"b": "q"}))
    corners = list(space.corners())
    assert [row["c"] for row in corners if "c" in row and row["c"] != 0.5] == [0.0, 1.0]
    assert all(row == {"a": "y", "b": "q", "c": row["c"]} for row in corners if "c" in row)


def test_points_of_a_grid_may_be_given_in_numpy_numbers_inside_the_range() -> None:
    space = Space(x=Float(0.0, 1.0), n=Int(1, 3))
    assert space.grid({"x": np.array([0.25, 0.5]), "n": 1}) == [{"x": 0.25, "n": 2}, {"x": 0.5, "n": 2}]
    with pytest.raises(SpaceError, match=r"Grid point of 'x' must be in Float\(0\.0, 1\.0\), got 1\.5"):
        space.grid({"x": [0.5, 1.5], "n": 1})


def test_windows_and_wider_ranges_of_a_space() -> None:
    """By hand: half the width around 0.9 is shifted inside; a decade more at the end where the leaders lie."""
    space = Space(x=Float(0.0, 1.0), rate=Float(0.01, 1.0, log=True), c=Choice("a", "b"))
    leaders = [{"x": 0.9, "rate": 0.9, "c": "a"}, {"x": 0.8, "rate": 0.8, "c": "b"}]
    narrow = space.narrow(leaders, 0.5)
    assert (narrow["x"], narrow["c"]) == (Float(0.5, 1.0), space["c"])
    wide = space.widen(leaders, space.extend(1))
    assert (wide["x"], wide["rate"]) == (Float(0.0, 1.0), Float(0.01, 10.0, log=True))
    assert space.widen(wide_leaders := [{**row, "rate": 0.1} for row in leaders], space.extend(2)) == space, wide_leaders


def test_a_completed_point_keeps_what_is_given_and_draws_the_rest() -> None:
    space = Space(
        o=Choice("sgd", Plateau(patience=Int(2, 10)), "adagrad"),
        mu=Float(0.0, 0.9, when={"o": ["sgd", "adagrad"]}),
        x=Int(1, 9),
    )
    rng = np.random.default_rng(0)
    drawn = [space.complete({"mu": 0.5}, rng) for _ in range(30)]
    assert {point["o"] for point in drawn} == {"sgd", "adagrad"}
    assert {point["mu"] for point in drawn} == {0.5}
    inner = [space.complete({"o.patience": 4, "x": 3}, rng) for _ in range(5)]
    assert inner == [{"o": "Plateau", "o.patience": 4, "x": 3}] * 5
    assert len({space.complete({}, rng)["x"] for _ in range(50)}) == 9
    for point in drawn + inner:
        space.check(point)
    assert space.complete({"x": 3}, np.random.default_rng(4)) == space.complete({"x": 3}, np.random.default_rng(4))
    with pytest.raises(SpaceError, match="Unknown parameter 'y'"):
        space.check(space.complete({"y": 1}, rng))
    with pytest.raises(SpaceError, match="'mu' must be absent"):
        space.check(space.complete({"o": "Plateau", "mu": 0.5, "o.patience": 2, "x": 1}, rng))


def test_a_canonical_point_is_in_the_spaces_order_and_types() -> None:
    space = Space(x=Float(-1, 1), n=Int(1, 3), s=Float(0, 1, step=0.1), c=Choice(math.nan, (1, 1), (True, True)))
    point = space.canonical({"c": (True, True), "s": 0.1 + 0.2, "n": 2, "x": -0.0})
    assert repr(point) == "{'x': 0.0, 'n': 2, 's': 0.3, 'c': (True, True)}"
    assert repr(space.parse(space.text({"c": float("nan"), "x": 1}))) == "{'x': 1.0, 'c': nan}"


FOREST = RandomForestClassifier(5)


@pytest.mark.parametrize(
    "given", ["RandomForestClassifier", RandomForestClassifier, FOREST, "RandomForestClassifier(n_estimators=5)"], ids=str
)
def test_a_condition_may_name_an_estimator_by_its_class_or_as_it_is(given: object) -> None:
    space = Space(clf=Choice(FOREST, SVC()), clf__max_depth=Int(1, 9, when={"clf": given}))
    assert space.from_unit([0.0, 0.0]) == {"clf": "RandomForestClassifier", "clf__max_depth": 1}
    assert space.from_unit([0.9, 0.0]) == {"clf": "SVC"}
    assert space["clf__max_depth"].conditions == (("clf", ("RandomForestClassifier",)),)
    assert space.resolve(space.parse({"clf": "SVC"}))["clf"] is space["clf"].options[1]  # type: ignore[union-attr]
    assert [*space.corners()][-1] == {"clf": "RandomForestClassifier", "clf__max_depth": 9}


def test_the_repr_of_a_space_has_the_condition_as_it_was_written() -> None:
    text = "RandomForestClassifier(n_estimators=5)"
    space = Space(clf=Choice(FOREST, SVC()), clf__max_depth=Int(1, 9, when={"clf": text}, simple="low"))
    written = "when=(('clf', ('RandomForestClassifier(n_estimators=5)',)),), simple='low')"
    assert repr(space) == f"Space(clf=Choice({text}, SVC()), clf__max_depth=Int(1, 9, {written})"
    assert space["clf__max_depth"].simple == "low"


def test_a_condition_on_an_estimator_that_is_no_option_is_named() -> None:
    message = (
        r"Condition of 'clf__C' must be on an option of 'clf', got 'SVM'\. "
        r"Take one of RandomForestClassifier, SVC\. Did you mean 'SVC'\?"
    )
    with pytest.raises(SpaceError, match=message):
        Space(clf=Choice(FOREST, SVC()), clf__C=Float(0.1, 1.0, when={"clf": "SVM"}))
