"""Selection of the best setting from noisy values: by mean, one-standard-error rule, or probability of being best."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from hpsearch.checks import choice
from hpsearch.errors import SettingError, must_be
from hpsearch.space import Params, Space
from hpsearch.space.equality import params_key
from hpsearch.trial.trial import CONFIRM, Trial

Rule = Literal["mean", "one_se", "probability"]
RULES = get_args(Rule)
_DRAWS = 10_000


@dataclass(frozen=True)
class Candidate:
    """The finished replicates of one setting at one budget."""

    params: Params
    budget: int | None
    trials: tuple[Trial, ...]

    @property
    def mean(self) -> float:
        """The mean value of the replicates."""
        return math.fsum(trial.value for trial in self.trials) / len(self.trials)

    @property
    def standard_error(self) -> float:
        """The standard error of the mean, s / sqrt(n) with n - 1 in s; NaN for a single trial."""
        n = len(self.trials)
        if n < 2:
            return math.nan
        squares = math.fsum((trial.value - self.mean) ** 2 for trial in self.trials)
        return math.sqrt(squares / (n - 1) / n)


def candidates(trials: Iterable[Trial]) -> list[Candidate]:
    """Group trials by setting and budget, in order of their first number; leave out settings with a failed replicate.

    If the best settings were confirmed, only the confirming trials count: their seeds had no part in the selection.
    """
    usable = [trial for trial in trials if not trial.is_preflight]
    confirming = [trial for trial in usable if trial.stage == CONFIRM]
    groups: dict[str, list[Trial]] = {}
    for trial in confirming or usable:
        groups.setdefault(repr((params_key(trial.params), trial.budget)), []).append(trial)
    complete = [group for group in groups.values() if all(trial.ok for trial in group)]
    return [Candidate(group[0].params, group[0].budget, tuple(group)) for group in complete]


def rank_candidates(found: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates by rising mean; of equal means the one with the earlier trial comes first."""
    return sorted(found, key=lambda c: (c.mean, c.trials[0].number))


def lowest(trials: Sequence[Trial]) -> Candidate | None:
    """Return the candidate of lowest mean, or None if no trial finished."""
    return next(iter(rank_candidates(candidates(trials))), None)


def select(found: Sequence[Candidate], rule: Rule, space: Space, rng: np.random.Generator) -> Candidate:
    """Return the chosen candidate.

    ``"mean"`` takes the lowest mean. ``"one_se"`` takes the simplest setting whose mean is within one standard error of the
    lowest (Breiman et al., 1984); the space says what is simple (``simple="low"``). ``"probability"`` takes the candidate
    that is lowest most often when every mean is drawn from Student's t distribution around it, 10,000 times.
    """
    ordered = rank_candidates(found)
    if rule == "one_se":
        best = ordered[0]
        near = [c for c in ordered if c is best or c.mean <= best.mean + best.standard_error]
        return min(near, key=lambda c: complexity(space, c.params))
    if rule == "probability":
        return ordered[int(np.argmax(chances(ordered, rng)))]
    return ordered[0]


def complexity(space: Space, params: Params) -> tuple[float, ...]:
    """Return per parameter with ``simple`` its distance from the simple end, 0 to 1, in the order of the space."""
    sides = [(name, domain.simple) for name, domain in space.domains.items() if domain.simple and name in params]
    units = [(space[name].to_unit(params[name]), side) for name, side in sides]
    return tuple(u if side == "low" else 1 - u for u, side in units)


def chances(found: Sequence[Candidate], rng: np.random.Generator) -> list[float]:
    """Return each candidate's probability of having the lowest true mean, from the spread of its replicates.

    A candidate with one replicate has no spread of its own and gets the pooled one.
    """
    spreads = [c.standard_error * math.sqrt(len(c.trials)) for c in found]
    finite = [s for s in spreads if math.isfinite(s)]
    pooled = math.sqrt(sum(s * s for s in finite) / len(finite)) if finite else 0.0
    scale = [(s if math.isfinite(s) else pooled) / math.sqrt(len(c.trials)) for s, c in zip(spreads, found, strict=True)]
    freedom = [max(len(c.trials) - 1, 1) for c in found]
    draws = np.array([c.mean for c in found]) + np.array(scale) * rng.standard_t(freedom, size=(_DRAWS, len(found)))
    return [float(share) for share in np.bincount(draws.argmin(axis=1), minlength=len(found)) / _DRAWS]


def check_rule(rule: object, space: Space) -> None:
    """Raise an error for an unknown rule, and for the one-standard-error rule on a space without ``simple``."""
    choice("select", rule, RULES, "Leave it out for the mean.")
    if rule == "one_se" and not any(domain.simple for domain in space.domains.values()):
        advice = "Declare it, as in hidden=Int(10, 100, simple='low')."
        raise SettingError(must_be("select='one_se'", "used with a space that says what is simple", space, advice))
