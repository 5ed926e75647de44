"""Random-experiment efficiency curve: the test score of the best of s random trials, as a box per s.

N independent trials are cut into disjoint experiments of s = 1, 2, 4, ... trials. In each experiment one trial is "the best",
but which one is uncertain, since validation scores are noisy. So the experiment's test score is that of a mixture: trial i
enters with the chance w_i that its validation score would be the lowest if it were measured again,

    w_i = P(Z_i < Z_j for all j != i),  Z_i ~ N(validation score, validation variance),
    mu_z = sum w_i mu_i,    sigma_z^2 = sum w_i (mu_i^2 + sigma_i^2) - mu_z^2,

with mu_i, sigma_i^2 the test score of trial i and its variance. Larger experiments spread less; that all of them reach the
same score shows when further trials stop paying.

Source: Bergstra and Bengio (2012), Random search for hyper-parameter optimization, JMLR 13, section 2, equations 5 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.analysis.sample import Array, sample
from hpsearch.errors import SettingError, must_be

DRAWS = 10_000


@dataclass(frozen=True)
class Scores:
    """Validation and test scores of N independent trials and their sampling variances, each float64 of shape (N,)."""

    validation: Array
    validation_variance: Array
    test: Array
    test_variance: Array

    @classmethod
    def of_errors(cls, validation: ArrayLike, test: ArrayLike, validation_size: int, test_size: int) -> Scores:
        """Return the scores of trials by their error rates in [0, 1], measured on so many examples."""
        first, second = sample("validation errors", validation, 1), sample("test errors", test, 1)
        if len(first) != len(second):
            raise SettingError(
                must_be("test errors", f"as many as the {len(first)} validation errors", len(second), "Pair them.")
            )
        return cls(first, binomial_variance(first, validation_size), second, binomial_variance(second, test_size))

    def __len__(self) -> int:
        return len(self.validation)

    def part(self, begin: int, end: int) -> Scores:
        """Return the trials from ``begin`` up to and without ``end``."""
        one = slice(begin, end)
        return Scores(self.validation[one], self.validation_variance[one], self.test[one], self.test_variance[one])


@dataclass(frozen=True)
class Best:
    """Test score of "the best" trial of an experiment, mu_z, and its variance, sigma_z^2."""

    mean: float
    variance: float


@dataclass(frozen=True)
class Box:
    """The experiments of one size: their test scores, and the five numbers of a box plot."""

    trials: int
    experiments: tuple[Best, ...]

    @property
    def numbers(self) -> tuple[float, float, float, float, float]:
        """Least score, quartiles (linear between order statistics), and largest score."""
        low, first, middle, third, high = np.quantile([best.mean for best in self.experiments], (0, 0.25, 0.5, 0.75, 1))
        return float(low), float(first), float(middle), float(third), float(high)


def binomial_variance(error: ArrayLike, size: int) -> Array:
    """Return the variance of an error rate p measured on n examples, p (1 - p) / (n - 1); same shape as ``error``.

    >>> round(float(binomial_variance(0.1, 901)), 12)
    0.0001
    """
    rate = np.asarray(error, float)
    if size < 2:
        raise SettingError(must_be("size", "at least 2 examples", size, "Pass the number of examples of the part."))
    if not ((rate >= 0) & (rate <= 1)).all():
        raise SettingError(must_be("error", "a rate in [0, 1]", rate.tolist(), "Divide by the number of examples."))
    return np.asarray(rate * (1 - rate) / (size - 1), float)


def chance_of_best(mean: ArrayLike, variance: ArrayLike, rng: np.random.Generator, draws: int = DRAWS) -> Array:
    """Return w: how often each of s scores would be the lowest if all were measured again; shape (s,), sum 1.

    By simulation of N(mean, variance); its standard error is at most 1 / (2 sqrt(draws)). Equal draws share the win, so that
    scores without noise that tie have equal chances.

    >>> chance_of_best([0.2, 0.1, 0.1], [0.0, 0.0, 0.0], np.random.default_rng(0))
    array([0. , 0.5, 0.5])
    """
    centre, spread = np.asarray(mean, float), np.sqrt(np.asarray(variance, float))
    drawn = centre + spread * rng.standard_normal((draws, len(centre)))
    lowest = drawn == drawn.min(axis=1, keepdims=True)
    return np.asarray((lowest / lowest.sum(axis=1, keepdims=True)).mean(axis=0), float)


def mixture(weights: ArrayLike, mean: ArrayLike, variance: ArrayLike) -> Best:
    """Return mean and variance of a mixture of normal laws, mu_z and sigma_z^2; all arguments of shape (s,).

    The variance is summed as w_i (sigma_i^2 + (mu_i - mu_z)^2), which is the same and cannot fall below zero.

    >>> mixture([0.5, 0.5], [0.0, 2.0], [1.0, 1.0])
    Best(mean=1.0, variance=2.0)
    """
    share, centre = np.asarray(weights, float), np.asarray(mean, float)
    mu = float(share @ centre)
    return Best(mu, float(share @ (np.asarray(variance, float) + (centre - mu) ** 2)))


def experiment(scores: Scores, rng: np.random.Generator, draws: int = DRAWS) -> Best:
    """Return the test score of the best trial of one experiment, as uncertain as its validation scores are."""
    weights = chance_of_best(scores.validation, scores.validation_variance, rng, draws)
    return mixture(weights, scores.test, scores.test_variance)


def efficiency_curve(scores: Scores, rng: np.random.Generator, draws: int = DRAWS) -> tuple[Box, ...]:
    """Return one box per experiment size 1, 2, 4, ... up to N, over the N // s disjoint experiments of that size.

    The trials must be independent (random search, in its own order); those that fill no further experiment are left out.
    """
    if not len(scores):
        raise SettingError(must_be("scores", "those of at least one trial", 0, "Run the search first."))
    sizes = [2**m for m in range(len(scores).bit_length())]
    return tuple(Box(size, _experiments(scores, size, rng, draws)) for size in sizes)


def _experiments(scores: Scores, size: int, rng: np.random.Generator, draws: int) -> tuple[Best, ...]:
    ends = range(size, len(scores) + 1, size)
    return tuple(experiment(scores.part(end - size, end), rng, draws) for end in ends)
