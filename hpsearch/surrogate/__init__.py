"""A Gaussian process over a search space, and the search for the point that improves most: NumPy and SciPy alone.

Encoding            points of a space as rows of numbers
Hyperparameters     length scales, signal and noise
Prior, fit          the hyperparameters by maximum a posteriori
Posterior           mean and deviation at other points
told_values         the values of trials as a model is told them
WARPS               warps of values
Proposer            the points of largest expected improvement
"""

from hpsearch.surrogate.acquisition import Proposer, log_expected_improvement
from hpsearch.surrogate.encoding import Encoding
from hpsearch.surrogate.fit import Prior, fit
from hpsearch.surrogate.kernel import Hyperparameters
from hpsearch.surrogate.observations import told_values
from hpsearch.surrogate.predict import Posterior
from hpsearch.surrogate.warps import WARPS

__all__ = [
    "WARPS",
    "Encoding",
    "Hyperparameters",
    "Posterior",
    "Prior",
    "Proposer",
    "fit",
    "log_expected_improvement",
    "told_values",
]
