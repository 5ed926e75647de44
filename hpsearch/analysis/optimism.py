"""Selection bias of the best of many noisy values, the noise of one value, and the expected gain from more trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.analysis.bestof import expected_best
from hpsearch.analysis.sample import Array, sample
from hpsearch.errors import SettingError, must_be
from hpsearch.trial import Candidate

_DRAWS = 10_000
# Fewer trials leave no two doublings to predict a third from.
FEWEST_TO_DOUBLE = 8


def optimism(values: ArrayLike, noise: ArrayLike, rng: np.random.Generator) -> float:
    """Return by how much the lowest of noisy values is expected to lie below the truth of the setting that has it.

    The parametric bootstrap of selection: take the observed values for true, add noise anew, select the lowest, and average
    (true - seen) over 10,000 repetitions. It is 0 without noise and never negative. The observed values are spread wider than
    the truth behind them, so the estimate errs on the low side.

    Args:
        values: to minimise, float, shape (n,).
        noise: standard deviation of each value, scalar or shape (n,), >= 0.
    Raises:
        SettingError: for values or deviations that are not finite, or a negative deviation.
    Source: Efron and Tibshirani (1993), An introduction to the bootstrap, section 10.2 (bootstrap estimate of bias).

    >>> two = optimism([0.0, 0.0], 1.0, np.random.default_rng(0))   # exactly 1 / sqrt(pi) = .5642
    >>> round(two, 2)
    0.56
    """
    true = sample("values", values, fewest=1)
    deviation = np.broadcast_to(np.asarray(noise, float), true.shape)
    if not (np.isfinite(deviation).all() and (deviation >= 0).all()):
        raise SettingError(must_be("noise", "finite standard deviations >= 0", noise, "Estimate it from replicates."))
    seen = true + deviation * rng.standard_normal((_DRAWS, len(true)))
    chosen = seen.argmin(axis=1)
    return max(float(np.mean(true[chosen] - seen[np.arange(_DRAWS), chosen])), 0.0)  # the draws may miss 0 by a little


@dataclass(frozen=True)
class Noise:
    """The standard deviation of one value, and where it is known from.

    Args:
        deviation: standard deviation of one run.
        freedom: degrees of freedom with which it was estimated; infinite where it is known.
        rows: the validation rows on which the value was counted; 0 where the deviation comes from replicates.
    """

    deviation: float
    freedom: float = math.inf
    rows: int = 0


@dataclass(frozen=True)
class Flattery:
    """The expected selection ``bias`` of the lowest of the values of ``settings``, each with this ``noise``."""

    bias: float
    settings: int
    noise: Noise


def flattery(ranking: Sequence[Candidate], noise: Noise, rng: np.random.Generator) -> Flattery:
    """Return by how much the best setting is expected to look better than it is."""
    errors = [noise.deviation / math.sqrt(len(candidate.trials)) for candidate in ranking]
    return Flattery(optimism([candidate.mean for candidate in ranking], errors, rng), len(ranking), noise)


def seed_noise(candidates: Sequence[Candidate]) -> Noise | None:
    """Return the noise of one run, pooled over the settings that were run more than once; None without any.

    sqrt(sum (n_i - 1) s_i^2 / sum (n_i - 1)).
    """
    repeated = [c for c in candidates if len(c.trials) > 1]
    freedom = sum(len(c.trials) - 1 for c in repeated)
    squares = math.fsum((t.value - c.mean) ** 2 for c in repeated for t in c.trials)
    return Noise(math.sqrt(squares / freedom), freedom) if freedom else None


def counting_noise(errors: ArrayLike, rows: int) -> Array:
    """Return the standard deviation of error rates that were counted on ``rows`` examples: sqrt(p (1 - p) / (rows - 1)).

    It is what other validation data of the same kind would change; the noise of the seed comes on top.
    Source: Bergstra and Bengio (2012), JMLR 13, section 2.

    >>> counting_noise([0.1], 10_000).round(4)
    array([0.003])
    """
    rates = sample("errors", errors, fewest=1)
    if ((rates < 0) | (rates > 1)).any() or rows < 2:
        raise SettingError(must_be("errors", "rates in [0, 1] of at least two rows", rows, "Pass shares."))
    return np.asarray(np.sqrt(rates * (1 - rates) / (rows - 1)), float)


def error_of_difference(first: float, first_rows: int, second: float, second_rows: int) -> float:
    """Return the standard error of the difference of two error rates that were counted on different rows.

    sqrt(p1 (1 - p1) / (n1 + 2) + p2 (1 - p2) / (n2 + 2)), with p = (errors + 1) / (n + 2): one right and one wrong row are
    added to each part, so that a part without an error is not taken for certain. The parts share no row: they are independent.

    Args:
        first, second: the two rates, in [0, 1].
        first_rows, second_rows: the rows they were counted on, n >= 1.
    Source: Agresti and Caffo (2000), The American Statistician 54, 280-288.

    >>> round(error_of_difference(0.03, 359, 0.05, 359), 4)
    0.015
    """
    parts = ((first, first_rows), (second, second_rows))
    for rate, rows in parts:
        if not (0 <= rate <= 1 and rows >= 1):
            raise SettingError(must_be("A rate", "in [0, 1], of at least one row", (rate, rows), "Pass a share and its rows."))
    rates = [((rate * rows + 1) / (rows + 2), rows + 2) for rate, rows in parts]
    return math.sqrt(math.fsum(rate * (1 - rate) / rows for rate, rows in rates))


@dataclass(frozen=True)
class Doubling:
    """The expected ``gain`` in value from as many ``trials`` again, and what the ``last`` doubling gained."""

    trials: int
    gain: float
    last: float


def doubling(values: ArrayLike) -> Doubling | None:
    """Return what another doubling of the budget is expected to gain; None for fewer than eight trials.

    With B(n) the unbiased expected best of n, the last two doublings gained g1 = B(N/4) - B(N/2) and g2 = B(N/2) - B(N); the
    next is expected to gain g2 min(1, g2 / g1): gains shrink as they did, and never grow. It holds for trials drawn
    independently (random search); a strategy that learns may do better.

    Args:
        values: to minimise, of N trials in any order, float, shape (N,).

    >>> found = doubling(range(16))   # B(4) = 2.4, B(8) = .889, B(16) = 0
    >>> round(found.gain, 4), round(found.last, 4)
    (0.5229, 0.8889)
    """
    array = sample("values", values, fewest=1)
    size = len(array)
    if size < FEWEST_TO_DOUBLE:
        return None
    quarter, half, whole = expected_best(array, [size // 4, size // 2, size]).tolist()
    before, last = quarter - half, half - whole
    return Doubling(size, last * min(1.0, last / before) if before > 0 else 0.0, last)
