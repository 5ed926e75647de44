"""Findings of made-up trials: points of a Sobol sequence with the values of a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from scipy.stats import qmc

from hpsearch import Outcome, Space, Status, Trial
from hpsearch.analysis.findings import Findings


def findings(
    space: Space,
    function: Callable[..., float],
    count: int = 32,
    budgets: Sequence[int | None] = (None,),
    maximize: bool = False,
) -> Findings:
    """Return the findings of ``count`` trials (a power of two) at each budget; the function gets the params as keywords."""
    points = [space.from_unit(point) for point in qmc.Sobol(len(space), rng=1).random_base2(count.bit_length() - 1).tolist()]
    sign = -1.0 if maximize else 1.0
    trials = [
        Trial(number, params, "all", Status.FINISHED, Outcome(sign * function(**params)), budget=budget)
        for number, (budget, params) in enumerate((budget, params) for budget in budgets for params in points)
    ]
    return Findings("made up", "value", maximize, space, trials, None)
