"""Statistics of trials, searches, comparisons and learning curves: numbers only, no plots.

    expected_best, median_curve, mean_curve    the best value after n random trials, with bands
    efficiency_curve                           the test score of the best of n random trials, as boxes
    progress, area_under_regret                the best value so far against what was spent
    difference, all_differences, speed_up      comparisons on paired seeds
    Contest                                    all of these for repeated searches
    signed_rank, friedman, average_ranks       comparisons over data sets
    mean_interval, bootstrap_interval, ...     confidence intervals from few repetitions
    cross_validation, validation_set, assess   estimates of a model's error, and their bias and variance
    LearningCurve, gaps, find_crossings        error against the number of training rows
    extrapolate, predict_largest               learning curves beyond the largest size
    diagnose                                   what the curves of a training show
    interactions                               pairs of parameters that matter together

A name is imported when it is first used, because `import hpsearch` loads this package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpsearch.analysis.bands import TuningCurve, mean_curve, median_curve
    from hpsearch.analysis.bestof import expected_best, expected_best_with_replacement
    from hpsearch.analysis.contest import Contest
    from hpsearch.analysis.crossings import Crossing, Gap, find_crossings, gaps
    from hpsearch.analysis.diagnosis import Diagnosis, diagnose, label_of
    from hpsearch.analysis.differences import Difference, all_differences, difference
    from hpsearch.analysis.efficiency import Box, Scores, efficiency_curve
    from hpsearch.analysis.extrapolation import FAMILIES, Extrapolation, Family, extrapolate, predict_largest
    from hpsearch.analysis.interaction import interactions
    from hpsearch.analysis.intervals import (
        Interval,
        bootstrap_interval,
        mean_interval,
        prediction_interval,
        share_interval,
        standard_error,
    )
    from hpsearch.analysis.learning_curve import LearningCurve
    from hpsearch.analysis.ranks import average_ranks, critical_difference, friedman, holm, signed_rank
    from hpsearch.analysis.regret import Progress, area_under_regret, progress
    from hpsearch.analysis.resampling import Quality, assess, cross_validation, errors_of, validation_set
    from hpsearch.analysis.sample import scores
    from hpsearch.analysis.speedup import SpeedUp, chance_of_beating, speed_up

# The module that defines each public name.
_HOMES = {
    "bands": ("TuningCurve", "mean_curve", "median_curve"),
    "bestof": ("expected_best", "expected_best_with_replacement"),
    "contest": ("Contest",),
    "crossings": ("Crossing", "Gap", "find_crossings", "gaps"),
    "diagnosis": ("Diagnosis", "diagnose", "label_of"),
    "differences": ("Difference", "all_differences", "difference"),
    "efficiency": ("Box", "Scores", "efficiency_curve"),
    "extrapolation": ("FAMILIES", "Extrapolation", "Family", "extrapolate", "predict_largest"),
    "interaction": ("interactions",),
    "intervals": (
        "Interval",
        "bootstrap_interval",
        "mean_interval",
        "prediction_interval",
        "share_interval",
        "standard_error",
    ),
    "learning_curve": ("LearningCurve",),
    "ranks": ("average_ranks", "critical_difference", "friedman", "holm", "signed_rank"),
    "regret": ("Progress", "area_under_regret", "progress"),
    "resampling": ("Quality", "assess", "cross_validation", "errors_of", "validation_set"),
    "sample": ("scores",),
    "speedup": ("SpeedUp", "chance_of_beating", "speed_up"),
}

__all__ = [
    "FAMILIES",
    "Box",
    "Contest",
    "Crossing",
    "Diagnosis",
    "Difference",
    "Extrapolation",
    "Family",
    "Gap",
    "Interval",
    "LearningCurve",
    "Progress",
    "Quality",
    "Scores",
    "SpeedUp",
    "TuningCurve",
    "all_differences",
    "area_under_regret",
    "assess",
    "average_ranks",
    "bootstrap_interval",
    "chance_of_beating",
    "critical_difference",
    "cross_validation",
    "diagnose",
    "difference",
    "efficiency_curve",
    "errors_of",
    "expected_best",
    "expected_best_with_replacement",
    "extrapolate",
    "find_crossings",
    "friedman",
    "gaps",
    "holm",
    "interactions",
    "label_of",
    "mean_curve",
    "mean_interval",
    "median_curve",
    "predict_largest",
    "prediction_interval",
    "progress",
    "scores",
    "share_interval",
    "signed_rank",
    "speed_up",
    "standard_error",
    "validation_set",
]


def __getattr__(name: str) -> Any:
    """Import the module of a public name when it is first used."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
