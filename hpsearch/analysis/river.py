"""River of good settings: those that are as good as the best one within its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hpsearch.analysis.conclusions import Conclusions
from hpsearch.analysis.findings import Findings
from hpsearch.analysis.optimism import Noise
from hpsearch.trial import Trial


@dataclass(frozen=True)
class River:
    """The trials of the settings within one standard error of the best, and that standard error.

    Args:
        trials: the first trial of each such setting, the best first.
        error: the standard error of the best setting's mean, in the unit of the values.
    """

    trials: tuple[Trial, ...]
    error: float


def river(findings: Findings, noise: Noise | None = None) -> River | None:
    """Return the river of a study; None where nothing says how noisy a value is.

    The standard error is that of the best setting's replicates, or else that of a single value: from the replicates of other
    settings, or from the number of validation rows on which an error was counted.

    Args:
        findings: of the study, or of some of its trials.
        noise: of a single value, where these trials are some of many.

    Known value: of errors .10, .11 and .14 counted on 400 rows the second is within sqrt(.1 * .9 / 400) = .015, the third not.
    Source: Breiman, Friedman, Olshen and Stone (1984), Classification and regression trees (the rule of one standard error).
    """
    found = Conclusions(findings)
    if not found.ranking:
        return None
    best, noise = found.ranking[0], noise or found.noise
    error = best.standard_error
    if not math.isfinite(error):
        if noise is None:
            return None
        error = noise.deviation / math.sqrt(len(best.trials))
    return River(tuple(c.trials[0] for c in found.ranking if c.mean <= best.mean + error), error)
