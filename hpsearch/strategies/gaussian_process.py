"""Search with a Gaussian process: a model of the trials so far proposes the point that promises the largest improvement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hpsearch.checks import boolean, integer
from hpsearch.ports import Batch, Proposal, Search, StrategyBase
from hpsearch.space import Params, Space
from hpsearch.strategies.starting_points import first_points
from hpsearch.trial import Trial

if TYPE_CHECKING:
    from hpsearch.surrogate import Hyperparameters, Posterior

# Up to so many trials the hyperparameters are fitted whenever there are new ones; beyond, whenever there are so many new ones.
_ALWAYS, _SELDOM = 150, 15


@dataclass(frozen=True)
class GaussianProcess(StrategyBase):
    """Fit a Gaussian process to the trials so far and propose the points of the largest expected improvement.

    The first ``startup`` trials (fewer if there are known trials) are a point near the centre of the space and points of a
    scrambled Sobol sequence. Every proposal in a batch takes those before it as done, with their predicted values. Failed and
    diverged trials count as the worst finite value so far. A larger number of trials begins with the same ones.

    The values are warped before each fit, in one of three ways in turn (`hpsearch.surrogate.warps`): each sees other details,
    and a fit that misleads one batch does not mislead the next.

    Args:
        trials: the number of trials in all.
        batch_size: the number of trials in a batch; a larger one keeps more workers busy and learns less from each trial.
        startup: the number of trials before the first model.
        centre: whether the first of them lies near the centre of the space.

    Source: Jones, Schonlau and Welch (1998), Efficient global optimization of expensive black-box functions, Journal of Global
    Optimization 13.
    """

    trials: int = 64
    batch_size: int = 1
    startup: int = 3
    centre: bool = True

    def __post_init__(self) -> None:
        for name, example in (("trials", 64), ("batch_size", 1), ("startup", 3)):
            integer(f"GaussianProcess {name}", getattr(self, name), 1, f"Try {example}.")
        boolean("GaussianProcess centre", self.centre, "Leave it out for True.")

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield the startup batch, then ``batch_size`` proposals at a time."""
        model = _Model(space, list(known), rng)
        done = min(max(self.startup - len(known), 0), self.trials)
        if done:
            points = first_points(space, self.startup, self.centre, rng)[:done]
            model.add_trials((yield Batch([Proposal(params) for params in points])))
        while done < self.trials:
            size = min(self.batch_size, self.trials - done)
            model.add_trials((yield Batch([Proposal(params) for params in model.propose(size)])))
            done += size


@dataclass
class _Model:
    """The trials of one search, and the Gaussian processes that are fitted to them, one per warp.

    Proposals take turns with the warps, those of one batch too: what misleads one of them does not mislead the whole batch.

    Args:
        space: that is searched.
        trials: known from an earlier study.
        rng: of the search.
    """

    space: Space
    trials: list[Trial]
    rng: np.random.Generator
    turns: int = field(default=0, init=False)
    # Per warp: the hyperparameters, and the number of trials that they were fitted to.
    fitted: dict[int, tuple[Hyperparameters, int]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        from hpsearch.surrogate import Encoding  # takes half a second, so it is not imported with hpsearch

        self.encoding = Encoding(self.space)
        self.units = self.encoding.to_snapped(trial.params for trial in self.trials)

    def add_trials(self, trials: Sequence[Trial]) -> None:
        """Learn from finished trials."""
        self.trials += trials
        self.units = np.vstack([self.units, self.encoding.to_snapped(trial.params for trial in trials)])

    def propose(self, count: int) -> Iterator[Params]:
        """Yield the next points; each takes those before it as done, with the values that its own process predicts."""
        from hpsearch.surrogate import Proposer, best_and_newest, told_values

        values = told_values(self.trials)
        if values is None:
            yield from (self.space.sample(self.rng) for _ in range(count))
            return
        kept = best_and_newest(values)
        units, seen = self.units[kept], self.units
        for _ in range(count):
            posterior = self._posterior(values, kept)
            for row in seen[len(self.units) :]:
                posterior = posterior.believe(self.encoding.features(row[None]))
            chosen = Proposer(self.encoding, units, posterior, seen=seen).propose(self.rng)
            seen = np.vstack([seen, chosen])
            self.turns += 1
            yield self.encoding.to_params(chosen)

    def _posterior(self, values: np.ndarray, kept: np.ndarray) -> Posterior:
        """Return the process whose turn it is, fitted to the values of the trials that are kept."""
        from hpsearch.surrogate import WARPS, Posterior, fit

        turn, count = self.turns % len(WARPS), len(values)
        targets, owners = WARPS[turn](values)[kept], self.encoding.owners
        features = self.encoding.features(self.units[kept])
        hyper, last = self.fitted.get(turn, (None, 0))
        if hyper is None or count - last >= (1 if count <= _ALWAYS else _SELDOM):
            hyper = fit(features, targets, owners, hyper)
            self.fitted[turn] = hyper, count
        return Posterior(features, targets, hyper, owners)
