"""The lead of the chosen setting over the runner-up, its standard error, and whether chance explains it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hpsearch.analysis.optimism import Noise
from hpsearch.trial import Candidate

Verdict = Literal["clear", "chance", "unknown"]
# The confidence with which a lead is called clear, two-sided. The one place that says so.
LEVEL = 0.95


@dataclass(frozen=True)
class Lead:
    """The chosen setting against the best of the others.

    Args:
        runner_up: the best of the other settings.
        difference: how much lower the mean of the chosen setting is; negative where the study's rule passed over the lowest.
        standard_error: of that difference; NaN where nothing says how noisy a value is.
        freedom: degrees of freedom of the standard error; infinite where it is known and not estimated.
        near: how many of the other settings lie within one standard error of the chosen one.
        tied: how many of the other settings have the same mean.
        others: how many other settings there are.
        rows: the validation rows from which the standard error is known; 0 where it comes from replicates.
    """

    runner_up: Candidate
    difference: float
    standard_error: float
    freedom: float = math.inf
    near: int = 0
    tied: int = 0
    others: int = 1
    rows: int = 0

    @property
    def verdict(self) -> Verdict:
        """``"clear"`` where the difference exceeds what chance explains, else ``"chance"``; ``"unknown"`` without an error.

        The two-sided t test of the difference at 95 %: as `hpsearch.analysis.differences` judges comparisons.
        """
        if not math.isfinite(self.standard_error):
            return "unknown"
        return "clear" if abs(self.difference) > critical_value(self.freedom) * self.standard_error else "chance"


def critical_value(freedom: float) -> float:
    """Return how many standard errors a difference must exceed to be clear: the t quantile, two-sided, at 95 %.

    Three replicates leave 2 degrees of freedom; a fixed 1.96 would then call one lead in five clear that is chance.
    Source: Student (1908), Biometrika 6; `scipy.special.stdtrit`.

    >>> round(critical_value(2), 3), round(critical_value(math.inf), 3)
    (4.303, 1.96)
    """
    from scipy.special import stdtrit  # half a second, which `import hpsearch` should not cost

    return float(stdtrit(freedom, (1 + LEVEL) / 2))


def lead(chosen: Candidate, ranking: Sequence[Candidate], noise: Noise | None = None) -> Lead | None:
    """Return the lead of the chosen setting over the others, given all by rising mean; None where there is no other.

    ``noise`` stands in for the standard error where one of the two settings was run once.
    """
    others = [c for c in ranking if c.trials[0].number != chosen.trials[0].number]
    if not others:
        return None
    error, freedom, rows = _error(chosen, others[0], noise)
    limit = chosen.mean + (chosen.standard_error if math.isfinite(chosen.standard_error) else 0.0)
    near = sum(other.mean <= limit for other in others)
    tied = sum(other.mean == chosen.mean for other in others)
    return Lead(others[0], others[0].mean - chosen.mean, error, freedom, near, tied, len(others), rows)


def _error(one: Candidate, other: Candidate, noise: Noise | None) -> tuple[float, float, int]:
    """Return the standard error of the difference of two means, its degrees of freedom, and the rows it is known from.

    Paired where both were run under the same seeds, else by Welch; from ``noise`` where one of them was run once.

    Known value: differences 1, 2, 3 over three shared seeds have 1 / sqrt(3) = .577 with 2 degrees of freedom.
    """
    seeds = [[trial.replicate for trial in candidate.trials] for candidate in (one, other)]
    if min(map(len, seeds)) > 1:
        return (*(_paired(one, other) if seeds[0] == seeds[1] else _welch(one, other)), 0)
    if noise is None:
        return math.nan, math.inf, 0
    return noise.deviation * math.sqrt(1 / len(seeds[0]) + 1 / len(seeds[1])), noise.freedom, noise.rows


def _paired(one: Candidate, other: Candidate) -> tuple[float, float]:
    differences = [b.value - a.value for a, b in zip(one.trials, other.trials, strict=True)]
    n, mean = len(differences), math.fsum(differences) / len(differences)
    return math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / (n - 1) / n), n - 1


def _welch(one: Candidate, other: Candidate) -> tuple[float, float]:
    """Return the error of independent means, and the degrees of freedom of Welch (1947), Biometrika 34."""
    parts = [candidate.standard_error**2 for candidate in (one, other)]
    below = math.fsum(part**2 / (len(c.trials) - 1) for part, c in zip(parts, (one, other), strict=True))
    return math.sqrt(sum(parts)), sum(parts) ** 2 / below if below else math.inf
