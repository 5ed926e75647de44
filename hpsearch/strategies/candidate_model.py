"""A model that chooses among the candidates that a strategy draws by a recipe of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hpsearch.space import Choice, Params, Space
from hpsearch.space.equality import params_key
from hpsearch.trial import Trial

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hpsearch.surrogate import Encoding, Posterior, WarpCycle

# The probability that a candidate redraws a range instead of keeping the value of the trial it starts from, measured on ten
# BBOB functions in five dimensions; the optimum is flat.
_REDRAW = 0.6
# A point is the best of so many candidates.
_CANDIDATES = 32


def redraw(centre: Params, near: Space, window: Space, width: float, rng: np.random.Generator) -> Params:
    """Return a point with some parameters redrawn: ranges from the window ``near`` it, choices with probability ``width``."""
    params: Params = {}
    for name, domain in near.domains.items():
        chance, u = rng.random(2).tolist()
        if near.active(name, params):
            if name not in centre:
                params[name] = window.domains[name].from_unit(u)
            elif chance < (width if isinstance(domain, Choice) else _REDRAW):
                params[name] = domain.from_unit(u)
            else:
                params[name] = centre[name]
    return params


@dataclass
class CandidateModel:
    """A Gaussian process over trials, fitted anew for each batch to values that are warped in one of three ways in turn."""

    space: Space | None = None
    cycle: WarpCycle | None = None

    def begin_batch(self, space: Space, trials: Sequence[Trial]) -> Chooser | None:
        """Return what chooses the next points after a fit to trials in the space; None where none of them has a value."""
        from hpsearch.surrogate import Encoding, WarpCycle, impute_values  # takes half a second

        values = impute_values(trials)
        if values is None:
            return None
        cycle = self.cycle = self.cycle or WarpCycle()
        if space != self.space:  # ranges that moved have other length scales, dropped options none
            self.space = space
            cycle.restart()
        encoding = Encoding(space)
        features = encoding.features(encoding.to_snapped(trial.params for trial in trials))
        posterior = cycle.posterior(features, values, encoding.owners, every=0)
        cycle.turn += 1
        return Chooser(encoding, posterior)


def draw_around(
    chooser: Chooser | None, space: Space, centres: Sequence[Params], width: float, count: int, tried: set[str],
    rng: np.random.Generator,
) -> Iterator[Params]:  # fmt: skip
    """Yield the most promising of points drawn around centres; those that have been tried are left out where others are.

    Args:
        chooser: chooses among candidates; None takes the first one that is new.
        space: the points lie in windows of it.
        centres: the best settings, best first: half of the candidates are drawn around the first, a quarter around the next.
        width: of the windows, as a share of each range.
        count: how many points.
        tried: the keys of settings that have been tried; those of the points are added.
        rng: for all draws.
    """
    near, window = [space.narrow([centre], width) for centre in centres], space.narrow(centres, width)
    for _ in range(count):
        drawn: dict[str, Params] = {}
        for _ in range(_CANDIDATES):
            rank = min(int(rng.geometric(0.5)), len(centres)) - 1
            params = redraw(centres[rank], near[rank], window, width, rng)
            if window.contains(params):  # a few whole numbers around one centre may go beyond the hull of all
                drawn.setdefault(params_key(params), params)
        fresh = [params for key, params in drawn.items() if key not in tried] or list(drawn.values()) or list(centres[:1])
        params = fresh[0] if chooser is None else chooser.choose(fresh)
        tried.add(params_key(params))
        yield params


def describe_failed_stage(stage: str, trials: Sequence[Trial]) -> str:
    """Return the sentence with which a search ends after a stage in which nothing finished."""
    first = next((t.error for t in trials if t.error), "none was given")
    return (
        f"All {len(trials)} trials of stage {stage!r} failed, so the search ends. "
        f"First error: {first.rstrip('.')}. Correct that, or begin with ranges in which some trials succeed."
    )


@dataclass
class Chooser:
    """Chooses the candidate that promises the largest improvement on the least mean at the points tried.

    Args:
        encoding: of the space that the candidates are from.
        posterior: what is believed of it.
    """

    encoding: Encoding
    posterior: Posterior

    def __post_init__(self) -> None:
        self.least = float(self.posterior.mean(self.posterior.features).min())

    def choose(self, candidates: Sequence[Params]) -> Params:
        """Return one of the candidates, and take its predicted value for true from then on."""
        from hpsearch.surrogate import log_expected_improvement

        features = self._features(candidates)
        index = int(log_expected_improvement(*self.posterior.predict(features), self.least).argmax())
        self.posterior = self.posterior.believe(features[[index]])
        return candidates[index]

    def rank(self, candidates: Sequence[Params]) -> list[Params]:
        """Return the candidates by their expected value, the best first: the noise of single trials is smoothed."""
        return [candidates[i] for i in np.argsort(self.posterior.mean(self._features(candidates)), kind="stable")]

    def _features(self, candidates: Sequence[Params]) -> NDArray[np.float64]:
        return self.encoding.features(self.encoding.to_snapped(candidates))
