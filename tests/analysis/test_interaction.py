"""Interactions against cases that can be computed, and against Optuna's own trees, leaf by leaf."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hpsearch import Choice, Float, Space
from hpsearch.analysis.interaction import interactions
from hpsearch.strategies import Random
from tests.plots.sample import result

UNIT = {name: Float(0.0, 1.0) for name in "xyz"}


def pairs(objective: Callable[..., float], space: Space | None = None, trials: int = 200) -> dict[tuple[str, str], float]:
    found = interactions(result(space or Space(**UNIT), objective, strategy=Random(trials=trials)).findings)
    assert isinstance(found, dict)
    return found


def test_a_sum_has_none() -> None:
    assert max(pairs(lambda params: params["x"] + params["y"] + params["z"]).values()) < 0.1


def test_what_only_two_together_tell_is_all_interaction() -> None:
    found = pairs(lambda params: float((params["x"] > 0.5) == (params["y"] > 0.5)) + params["x"] / 1e6)
    assert next(iter(found)) == ("x", "y")
    assert found["x", "y"] > 0.4
    assert max(share for pair, share in found.items() if pair != ("x", "y")) < 0.15


def test_options_may_interact_with_numbers() -> None:
    space = Space(kind=Choice("a", "b"), **UNIT)
    found = pairs(lambda params: params["x"] * (1 if params["kind"] == "a" else -1), space)
    assert next(iter(found)) == ("kind", "x")


def test_the_shares_of_a_tree_are_those_that_optuna_finds_by_walking_it() -> None:
    from optuna.importance._fanova._tree import _FanovaTree
    from sklearn.tree import DecisionTreeRegressor

    from hpsearch.analysis.interaction import _boxes, _shares

    rng = np.random.default_rng(0)
    points = rng.random((60, 3))
    tree = DecisionTreeRegressor(min_samples_leaf=4, random_state=0).fit(points, points[:, 0] * points[:, 1] + points[:, 2])
    low, high = points.min(0), points.max(0)
    walked = _FanovaTree(tree.tree_, np.column_stack([low, high]))
    for (i, j), share in _shares(*_boxes(tree.tree_, low, high)).items():
        both, first, second = (walked.get_marginal_variance(np.array(kept)) for kept in ([i, j], [i], [j]))
        assert share == pytest.approx((both - first - second) / walked.variance, abs=1e-9)


def test_too_few_trials_say_so() -> None:
    found = interactions(result(strategy=Random(trials=5)).findings)
    assert found == "What acts together needs 10 finished trials, and there are 5."
