"""Points of spaces as rows: the space's own map is the measure."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import Choice, Float, Int, Space
from hpsearch.surrogate import Encoding
from hpsearch.testing import SPACES


@pytest.mark.parametrize("name", SPACES)
@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_snapped_points_are_those_of_the_space(name: str, seed: int) -> None:
    space, encoding = SPACES[name], Encoding(SPACES[name])
    units = np.random.default_rng(seed).random((8, len(space)))
    snapped = encoding.snap(units)
    points = [space.from_unit(row) for row in units.tolist()]
    np.testing.assert_allclose(snapped, encoding.to_unit(points), atol=1e-9)
    np.testing.assert_allclose([space.to_unit(encoding.to_params(row)) for row in snapped], snapped, atol=1e-9)
    np.testing.assert_allclose(encoding.snap(snapped), snapped, atol=1e-12)


def test_options_are_equally_far_apart() -> None:
    encoding = Encoding(Space(c=Choice("a", "b", "c", "d"), x=Float(0, 1)))
    rows = encoding.features(encoding.to_unit([{"c": label, "x": 0.5} for label in "abcd"]))
    squares = ((rows[:, None] - rows) ** 2).sum(2)
    np.testing.assert_allclose(squares, 1.0 - np.eye(4), atol=1e-12)
    assert encoding.owners.tolist() == [0, 0, 0, 0, 1]


def test_an_absent_parameter_tells_no_points_apart() -> None:
    space = Space(
        o=Choice("sgd", "momentum"), mu=Float(0, 0.9, when={"o": "momentum"}), k=Choice(1, 2, 3, when={"o": "momentum"})
    )
    encoding = Encoding(space)
    one, other = encoding.features(encoding.snap(np.array([[0.2, 0.1, 0.0], [0.3, 0.9, 0.99]])))
    assert one.tolist() == other.tolist()


def test_a_grandchild_is_absent_with_its_parent() -> None:
    """The parent's middle is the option that the grandchild asks for."""
    space = Space(a=Choice("on", "off"), b=Choice("x", "y", "z", when={"a": "on"}), c=Float(0, 1, when={"b": "y"}))
    assert Encoding(space).snap(np.array([[0.9, 0.5, 0.1]])).tolist() == [[0.75, 0.5, 0.5]]


def test_parameters_with_one_value_have_no_feature() -> None:
    encoding = Encoding(Space(f=Float(0.5, 0.5), k=Int(3, 3), c=Choice("only"), x=Float(0, 1)))
    assert encoding.features(encoding.snap(np.full((1, 4), 0.25))).tolist() == [[0.25]]
    assert encoding.owners.tolist() == [0]


def test_which_spaces_have_points_that_can_be_met_twice() -> None:
    assert not Encoding(Space(x=Float(0, 1))).is_discrete
    assert all(
        Encoding(Space(x=d)).is_discrete for d in (Int(1, 5), Int(1, 500, log=True), Float(0, 1, step=0.1), Choice(1, 2))
    )


def test_values_beyond_the_ends_are_at_the_ends() -> None:
    assert Encoding(Space(x=Float(1.0, 10.0, log=True))).to_unit([{"x": 100.0}]).tolist() == [[1.0]]


def test_any_number_of_values_can_be_counted() -> None:
    encoding = Encoding(Space(n=Int(-(2**62), 2**62), x=Float(-1e308, 1e308)))
    snapped = encoding.snap(np.array([[0.0, 0.0], [1.0, 1.0]]))
    assert np.isfinite(snapped).all()
    assert all(math.isfinite(value) for row in snapped for value in encoding.to_params(row).values())
