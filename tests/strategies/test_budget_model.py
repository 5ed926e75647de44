"""The model over settings and budgets: what it keeps, its scale, and where it proposes."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch import Float, Outcome, Space, Status, Trial
from hpsearch.strategies.budget_model import BudgetModel, on_log_scale


@pytest.mark.parametrize(
    "values", [[0.01, 0.1, 1.0], [0.0, 0.1, 1.0], [-3.0, -2.0, -2.0, 5.0], [0.0, 0.0, 0.0, 9.0], [-1.0, -1.0]]
)
def test_the_scale_keeps_the_order_and_is_finite(values: list[float]) -> None:
    scaled = on_log_scale(np.array(values))
    assert np.isfinite(scaled).all()
    assert (np.sign(np.diff(scaled)) == np.sign(np.diff(values))).all()


def test_it_proposes_what_is_best_at_the_full_budget_not_at_a_small_one() -> None:
    """At one epoch the least value is at .8; at 27 it is at .2, which the longer trainings show."""
    model = BudgetModel(Space(x=Float(0.0, 1.0)), 1, 27, np.random.default_rng(0))
    for x in np.linspace(0.0, 1.0, 12):
        for budget, centre in ((1, 0.8), (9, 0.25), (27, 0.2)):
            value = 0.1 + (x - centre) ** 2
            model.observe(Trial(0, {"x": float(x)}, "all", Status.FINISHED, Outcome(value)), budget)
    proposed = [params["x"] for params in model.propose(6, 1)][1:]
    assert np.median(np.abs(np.array(proposed) - 0.2)) < 0.06
