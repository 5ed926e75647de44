"""Search with a Gaussian process: a model of the trials so far proposes the point that promises the largest improvement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.checks import boolean, integer
from hpsearch.ports import Batch, Proposal, Search, StrategyBase
from hpsearch.space import Params, Space
from hpsearch.strategies.starting_points import first_points
from hpsearch.trial import Trial

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

    def __post_init__(self) -> None:
        from hpsearch.surrogate import Encoding, WarpCycle  # takes half a second, so it is not imported with hpsearch

        self.cycle = WarpCycle()
        self.encoding = Encoding(self.space)
        self.units = self.encoding.to_snapped(trial.params for trial in self.trials)

    def add_trials(self, trials: Sequence[Trial]) -> None:
        """Learn from finished trials."""
        self.trials += trials
        self.units = np.vstack([self.units, self.encoding.to_snapped(trial.params for trial in trials)])

    def propose(self, count: int) -> Iterator[Params]:
        """Yield the next points; each takes those before it as done, with the values that its own process predicts."""
        from hpsearch.surrogate import Proposer, impute_values, keep_best_and_newest

        values = impute_values(self.trials)
        if values is None:
            yield from (self.space.sample(self.rng) for _ in range(count))
            return
        kept = keep_best_and_newest(values)
        units, seen = self.units[kept], self.units
        features, owners = self.encoding.features(units), self.encoding.owners
        every = 1 if len(values) <= _ALWAYS else _SELDOM
        for _ in range(count):
            posterior = self.cycle.posterior(features, values, owners, kept, every)
            for row in seen[len(self.units) :]:
                posterior = posterior.believe(self.encoding.features(row[None]))
            chosen = Proposer(self.encoding, units, posterior, seen=seen).propose(self.rng)
            seen = np.vstack([seen, chosen])
            self.cycle.turn += 1
            yield self.encoding.to_params(chosen)
