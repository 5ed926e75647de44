"""A Gaussian process over a search space, and the search for the point that improves most: NumPy and SciPy alone.

Encoding                     points of a space as rows of numbers
impute_values                the values of trials, with those of failed ones filled in
keep_best_and_newest         which of very many trials enter a model
WARPS                        warps of values
Hyperparameters              length scales, signal, noise, trend
Prior, fit                   the hyperparameters by maximum a posteriori
Posterior                    mean and deviation at other points
WarpCycle                    processes over warped values, which take turns
log_expected_improvement     what a point promises
Proposer                     the points that promise most
"""

from hpsearch.surrogate.acquisition import Proposer, log_expected_improvement
from hpsearch.surrogate.encoding import Encoding
from hpsearch.surrogate.fit import Prior, fit
from hpsearch.surrogate.kernel import Hyperparameters
from hpsearch.surrogate.observations import impute_values, keep_best_and_newest
from hpsearch.surrogate.predict import Posterior
from hpsearch.surrogate.warp_cycle import WarpCycle
from hpsearch.surrogate.warps import WARPS

__all__ = [
    "WARPS",
    "Encoding",
    "Hyperparameters",
    "Posterior",
    "Prior",
    "Proposer",
    "WarpCycle",
    "fit",
    "impute_values",
    "keep_best_and_newest",
    "log_expected_improvement",
]
