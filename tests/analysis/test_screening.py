"""Screening: what matters stays, also where it is no straight line, and chance does not let choices of many options in."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from hpsearch import Float, Space
from hpsearch.analysis.importance import MOST_NAMES, importance, most_important
from hpsearch.analysis.screening import _explained, leading_columns
from hpsearch.strategies import Random
from tests.plots.sample import result


def test_a_bent_column_explains_what_scikit_learn_s_regression_does() -> None:
    rng = np.random.default_rng(0)
    x = rng.random(50)
    ranks = (x - 0.5) ** 2 + 0.05 * rng.random(50)
    squared = LinearRegression().fit(np.column_stack([x, x**2]), ranks).score(np.column_stack([x, x**2]), ranks)
    assert _explained(x.tolist(), ranks) == pytest.approx(1 - (1 - squared) * 49 / 47)


def test_bent_effects_and_choices_lead_and_options_by_chance_do_not() -> None:
    rng = np.random.default_rng(1)
    columns: dict[str, list[float] | list[str]] = {f"noise{i}": rng.random(60).tolist() for i in range(50)}
    columns |= {"many": [str(i) for i in rng.integers(0, 40, 60)], "bent": rng.random(60).tolist()}
    columns["kind"] = [str(i) for i in rng.integers(0, 3, 60)]
    ranks = [8 * (b - 0.5) ** 2 + (k == "1") for b, k in zip(columns["bent"], columns["kind"], strict=True)]  # type: ignore[operator]
    assert leading_columns(columns, ranks, 2) == ["bent", "kind"]
    assert leading_columns(columns, ranks, 60) == list(columns)


def test_importance_of_many_parameters_is_that_of_the_leading_ones() -> None:
    space = Space(**{f"p{i:02}": Float(0.0, 1.0) for i in range(80)})
    findings = result(space, lambda params: params["p50"] + 0.5 * params["p07"], strategy=Random(trials=100)).findings
    found = importance(findings)
    assert not isinstance(found, str)
    assert list(found.shares)[:2] == ["p50", "p07"]
    assert len(found.shares) == MOST_NAMES
    assert len(found.weak) == 80 - MOST_NAMES
    assert set(found.shares).isdisjoint(found.weak)
    kept = most_important(findings, 5)
    assert len(kept) == 5
    assert kept == sorted(kept)  # in the order of the space
    assert {"p50", "p07"} <= set(kept)
