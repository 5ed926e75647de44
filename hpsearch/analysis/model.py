"""A model of a study's values: a Gaussian process fitted to its trials, in the unit of the values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.analysis.findings import Findings, spread
from hpsearch.analysis.importance import FEWEST, MOST
from hpsearch.analysis.scales import WIDE
from hpsearch.space import Choice, Domain, Space
from hpsearch.trial import Status, Trial

if TYPE_CHECKING:
    from hpsearch.surrogate import Encoding, Hyperparameters, Posterior

Array = NDArray[np.float64]
# Values beyond the median plus so many times its distance from the best one count as that much.
_FAR = 3.0
_CONSTANT = "The model cannot be fitted: all trials have the same params or the same value."


@dataclass(frozen=True)
class ValueScale:
    """The scale on which values are modelled: as they are, or the logarithms of their distances from a floor.

    Args:
        level, size: mean and deviation of the trials' values on that scale.
        unit: what values, or their distances from the floor, are divided by first: squares of huge ones would overflow.
        floor: below every value; None models the values as they are.
    """

    level: float
    size: float
    unit: float
    floor: float | None = None

    @classmethod
    def of(cls, values: Array, floor: float | None = None) -> ValueScale:
        """Return the scale on which these values have mean 0 and deviation 1."""
        unit = float(np.abs(values).max()) if floor is None else 1.0
        plain = cls(0.0, 1.0, unit, floor).to_targets(values)
        return cls(float(plain.mean()), float(plain.std()), unit, floor)

    def to_targets(self, values: Array) -> Array:
        """Return values on the scale."""
        plain = values / self.unit if self.floor is None else np.log(values - self.floor)
        targets: Array = (plain - self.level) / self.size
        return targets

    def to_values(self, targets: Array) -> Array:
        """Return the values of targets; it is monotonic, so that the ends of an interval become the ends of one."""
        plain = self.level + self.size * targets
        values: Array = plain * self.unit if self.floor is None else self.floor + np.exp(np.minimum(plain, 700.0))
        return values


@dataclass(frozen=True, eq=False)  # compared by identity, so that what is slow to compute can be cached
class Model:
    """A Gaussian process fitted to the trials of a study.

    It is fitted to the values themselves; to their logarithms where they are positive and span a factor of 20, as on the axes
    of the plots. A prediction is therefore in the unit of the values. Bad values are clipped, so that they do not hide the
    differences between good ones.

    Args:
        findings: what it was fitted to.
        trials: the trials that entered it, in number order.
        values: (trials,), their values, which are minimised; those of failed ones are the worst.
        scale: the scale on which the values are modelled.
        encoding: of the space, widened to where a search went beyond it.
        units: (trials, parameters), the unit coordinates of the trials.
        posterior: of the function, on the scale.
        constant: parameters that these trials never varied.
        limit: the value from which on all count alike; None where no value is that bad.
        budget: the budget of the trials, where the study's trials have several, else None.
    """

    findings: Findings
    trials: tuple[Trial, ...]
    values: Array
    scale: ValueScale
    encoding: Encoding
    units: Array
    posterior: Posterior
    constant: tuple[str, ...] = ()
    limit: float | None = None
    budget: int | None = None

    @property
    def is_log(self) -> bool:
        """Whether the logarithms of the values are modelled."""
        return self.scale.floor is not None

    @property
    def space(self) -> Space:
        """The space of the encoding."""
        return self.encoding.space

    @property
    def hyper(self) -> Hyperparameters:
        """The length scales, the signal and the noise."""
        return self.posterior.hyper

    @cached_property
    def length_scales(self) -> dict[str, float]:
        """The length scale of each parameter that was varied, the shortest first.

        It is the share of a parameter's range over which values are much alike; two options of a choice are one range apart.
        A shorter one says that the value changes faster along the parameter. It is no share of the variance: a strong effect
        that is a straight line has a long one.
        """
        names = [list(self.space)[i] for i in self.encoding.varied]
        lengths = zip(names, np.exp(self.hyper.log_lengths).tolist(), strict=True)
        return dict(sorted(((n, length) for n, length in lengths if n not in self.constant), key=lambda pair: pair[1]))

    def average(self, groups: Sequence[Array]) -> tuple[Array, Array]:
        """Return the mean and the deviation of the function's average over each group of rows of unit coordinates.

        The deviation is that of the average itself, with the covariances between the rows: (groups,) each, on the scale.
        """
        return self.posterior.average([self._features(group) for group in groups])

    def joint(self, units: Array) -> tuple[Array, Array]:
        """Return the means and the covariances of the function at rows of unit coordinates, on the scale."""
        return self.posterior.joint(self._features(units))

    def means(self, units: Array) -> Array:
        """Return the means of the function at rows of unit coordinates, on the scale."""
        return self.posterior.mean(self._features(units))

    def with_floor(self, floor: float) -> Model:
        """Return a model of the logarithms of the values' distances from a floor."""
        scale = ValueScale.of(self.values, floor)
        return replace(self, scale=scale, posterior=_posterior(self.encoding, self.units, scale.to_targets(self.values)))

    def _features(self, units: Array) -> Array:
        return self.encoding.features(self.encoding.snap(units))


@lru_cache(maxsize=1)
def fit_model(findings: Findings) -> Model | str:
    """Return the model of a study's trials, or one sentence that says why there is none.

    Where trials have several budgets, those of the largest budget with ten finished trials are taken. Failed trials count as
    the worst of the others; trials that were stopped early are left out. Of more than 200 trials, the 100 best and an even
    choice of the others are taken.

    Source: Rasmussen and Williams (2006), Gaussian processes for machine learning, chapters 2 and 5.
    """
    if not findings.finished:
        return findings.why_nothing
    trials, budget = _comparable([trial for trial in findings.searching if trial.status is not Status.STOPPED])
    finished = [trial for trial in trials if trial.ok]
    if len(finished) < FEWEST:
        same = "" if budget is None else " of one budget"
        return f"The model needs {FEWEST} finished trials{same}, and there are {len(finished)}."
    trials = spread(trials, findings.ranks, MOST)
    constant = _never_varied(findings.space, trials)
    values, limit, floor = _clipped(trials)
    if np.ptp(values) <= 1e-12 * np.abs(values).max() or len(constant) == len(findings.space):
        return _CONSTANT
    return replace(_fitted(findings, trials, values, floor), constant=constant, limit=limit, budget=budget)


def _fitted(findings: Findings, trials: list[Trial], values: Array, floor: float | None) -> Model:
    from hpsearch.surrogate import Encoding

    encoding = Encoding(_widened(findings.space, trials))
    units = encoding.to_snapped(trial.params for trial in trials)
    scale = ValueScale.of(values, floor)
    posterior = _posterior(encoding, units, scale.to_targets(values))
    return Model(findings, tuple(trials), values, scale, encoding, units, posterior)


def _posterior(encoding: Encoding, units: Array, targets: Array) -> Posterior:
    from hpsearch.surrogate import Posterior, Prior, fit

    features = encoding.features(units)
    # Without a trend, so that the length scales alone say how the value changes along a parameter.
    hyper = fit(features, targets, encoding.owners, prior=Prior(trend=None))
    return Posterior(features, targets, hyper, encoding.owners)


def _clipped(trials: list[Trial]) -> tuple[Array, float | None, float | None]:
    """Return a finite value per trial, the value from which on all count alike, and the floor of a logarithmic scale."""
    finished = np.array([trial.value for trial in trials if trial.ok])
    best, worst = float(finished.min()), float(finished.max())
    values = np.array([trial.value if trial.ok else worst for trial in trials])
    floor = 0.0 if best > 0 and worst / best >= WIDE else None
    median = float(np.median(finished))
    limit = median + _FAR * (median - best) if floor is None else median * (median / best) ** _FAR
    # Where half of the values equal the best one, nothing tells what is far from it.
    if best < median and limit < worst:
        return np.minimum(values, limit), limit, floor
    return values, None, floor


def _comparable(trials: list[Trial]) -> tuple[list[Trial], int | None]:
    """Return the trials of the largest budget that enough trials finished at, and that budget where there are several."""
    finished = Counter(trial.budget for trial in trials if trial.ok)
    if len(finished) < 2:
        return trials, None
    enough = [budget for budget, count in finished.items() if count >= FEWEST]
    largest = max(enough or finished, key=lambda budget: -1 if budget is None else budget)
    return [trial for trial in trials if trial.budget == largest], largest


def _never_varied(space: Space, trials: list[Trial]) -> tuple[str, ...]:
    texts = {name: {domain.text(t.params[name]) for t in trials if name in t.params} for name, domain in space.domains.items()}
    return tuple(name for name, found in texts.items() if len(found) < 2)


def _widened(space: Space, trials: list[Trial]) -> Space:
    """Return the space with its ranges widened to the trials: a search may have gone beyond them."""
    return space.with_domains({name: _to_hold(domain, trials, name) for name, domain in space.domains.items()})


def _to_hold(domain: Domain, trials: list[Trial], name: str) -> Domain:
    values: list[Any] = [trial.params[name] for trial in trials if name in trial.params]
    if isinstance(domain, Choice) or not values or domain.low <= min(values) <= max(values) <= domain.high:
        return domain
    return replace(domain, low=min(domain.low, *values), high=max(domain.high, *values))
