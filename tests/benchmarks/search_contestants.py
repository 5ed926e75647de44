"""Contestants of tests/benchmarks/search.py: our strategies, and other packages where they are installed."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from hpsearch import Choice, Float, Space
from hpsearch.ports import Batch, Proposal, Search, Strategy
from hpsearch.search.auto import Auto
from hpsearch.space import Domain
from hpsearch.strategies import Bayesian, GaussianProcess, QuasiRandom, Random, Staged
from hpsearch.strategies.bayesian import _Model
from hpsearch.trial import Params, Trial
from tests.benchmarks import bbob
from tests.benchmarks.search_problems import Problem


@dataclass
class Timed:
    """A score that counts its own CPU time, and ends a run by `Ended` once enough is known.

    Args:
        least: so many trials run in any case.
    """

    problem: Problem
    target: float
    cap: int
    least: int
    found: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def __call__(self, params: Params) -> float:
        if self.over:
            raise Ended
        began = time.process_time()
        self.found.append(self.problem.score(params))
        self.seconds += time.process_time() - began
        return self.found[-1]

    @property
    def over(self) -> bool:
        """Whether no more trials are needed."""
        done = len(self.found)
        return done >= self.cap or (done >= max(self.least, 1) and min(self.found) <= self.target)


class Ended(BaseException):
    """A run has all the trials that are needed; packages that turn exceptions into failed trials let it through."""


Run = Callable[[Timed, int], None]


@dataclass(frozen=True)
class Contestant:
    """Somebody who searches: ``run`` asks a score for one value after the other; ``code`` says which version of it."""

    name: str
    run: Run
    code: str = "ours"
    packages: tuple[str, ...] = ()

    @property
    def is_installed(self) -> bool:
        """Whether all it needs is there."""
        return all(find_spec(package) is not None for package in self.packages)


class BayesianBefore(Bayesian):
    """`Bayesian` as it was up to its version 1: ``startup`` random draws, then the model."""

    def search(self, space: Space, rng: np.random.Generator, known: object = ()) -> Search:
        """Yield random draws in one batch, then ``batch_size`` proposals at a time."""
        model = _Model(space, self._create_study(space, int(rng.integers(2**32))))
        done = self.startup
        trials: list[Trial] = list((yield Batch([Proposal(space.sample(rng)) for _ in range(done)])))
        model.add_trials(trials)
        while done < self.trials:
            size = min(self.batch_size, self.trials - done)
            model.add_trials((yield Batch([Proposal(model.suggest_params()) for _ in range(size)])))
            done += size


def ours(make: Callable[[int], Strategy]) -> Run:
    """Return the run of one of our strategies, made for so many trials."""

    def run(score: Timed, seed: int) -> None:
        bbob.scores(make(score.cap), score.problem.space, score, seed, cap=score.cap)

    return run


def _optuna(sampler: str) -> Run:
    """Return the run of a sampler of Optuna as a user would run it."""

    def run(score: Timed, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study = optuna.create_study(sampler=getattr(optuna.samplers, sampler)(seed=seed))
            domains = score.problem.space.domains
            study.optimize(lambda t: score({n: _suggest(t, n, d) for n, d in domains.items()}), n_trials=score.cap)

    return run


def _suggest(trial: Any, name: str, domain: Domain) -> Any:
    if isinstance(domain, Choice):
        return domain.parse(trial.suggest_categorical(name, domain.labels))
    suggest = trial.suggest_float if isinstance(domain, Float) else trial.suggest_int
    return suggest(name, domain.low, domain.high, log=domain.log)


def _scikit_optimize(score: Timed, seed: int) -> None:
    """Run gp_minimize as a user would."""
    import skopt  # type: ignore[import-not-found, import-untyped, unused-ignore]

    kinds = skopt.space
    domains = score.problem.space.domains

    def dimension(domain: Domain) -> Any:
        if isinstance(domain, Choice):
            return kinds.Categorical(domain.labels)
        made = kinds.Real if isinstance(domain, Float) else kinds.Integer
        return made(domain.low, domain.high, prior="log-uniform" if domain.log else "uniform")

    def objective(point: list[Any]) -> float:
        pairs = zip(domains.items(), point, strict=True)
        return score({n: d.parse(v) if isinstance(d, Choice) else d.parse(str(v)) for (n, d), v in pairs})

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        skopt.gp_minimize(objective, [dimension(d) for d in domains.values()], n_calls=score.cap, random_state=seed)


def _smac(score: Timed, seed: int) -> None:
    """Run SMAC3's facade for hyperparameters as a user would."""
    from tempfile import TemporaryDirectory

    from ConfigSpace import Categorical, ConfigurationSpace, Integer  # type: ignore[import-not-found, unused-ignore]
    from ConfigSpace import Float as Real
    from smac import HyperparameterOptimizationFacade, Scenario  # type: ignore[import-not-found, unused-ignore]

    domains = score.problem.space.domains

    def parameter(name: str, domain: Domain) -> Any:
        if isinstance(domain, Choice):
            return Categorical(name, domain.labels)
        return (Real if isinstance(domain, Float) else Integer)(name, (domain.low, domain.high), log=domain.log)

    def objective(config: Any, seed: int = 0) -> float:
        return score({n: d.parse(config[n]) if isinstance(d, Choice) else d.parse(str(config[n])) for n, d in domains.items()})

    space = ConfigurationSpace(seed=seed)
    space.add([parameter(name, domain) for name, domain in domains.items()])
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scenario = Scenario(space, deterministic=True, n_trials=score.cap, seed=seed, output_directory=folder)
        HyperparameterOptimizationFacade(scenario, objective, logging_level=False).optimize()


def _peer(name: str, run: Run, *packages: str, distribution: str) -> Contestant:
    installed = all(find_spec(package) is not None for package in packages)
    return Contestant(name, run, f"{distribution} {version(distribution)}" if installed else "", packages)


_ALL = (
    Contestant("Random", ours(lambda cap: Random(trials=cap))),
    Contestant("QuasiRandom", ours(lambda cap: QuasiRandom(trials=cap))),
    Contestant("QuasiRandom, centre", ours(lambda cap: QuasiRandom(trials=cap, centre=True))),
    Contestant("Staged", ours(lambda cap: Staged(trials=cap))),
    Contestant("Staged, 96 trials", ours(lambda cap: Staged(trials=min(cap, 96)))),
    Contestant("Bayesian before", ours(lambda cap: BayesianBefore(trials=cap, batch_size=1, startup=10))),
    Contestant("Bayesian before, batch 4", ours(lambda cap: BayesianBefore(trials=cap, batch_size=4, startup=10))),
    Contestant("Bayesian", ours(lambda cap: Bayesian(trials=cap, batch_size=1))),
    Contestant("Bayesian, batch 4", ours(lambda cap: Bayesian(trials=cap, batch_size=4))),
    Contestant("GaussianProcess", ours(lambda cap: GaussianProcess(trials=cap))),
    Contestant("GaussianProcess, batch 4", ours(lambda cap: GaussianProcess(trials=cap, batch_size=4))),
    Contestant("GaussianProcess, no centre", ours(lambda cap: GaussianProcess(trials=cap, centre=False))),
    Contestant("Auto", ours(lambda cap: Auto(trials=cap))),
    _peer("Optuna TPE", _optuna("TPESampler"), "optuna", distribution="optuna"),
    _peer("Optuna GP", _optuna("GPSampler"), "optuna", "torch", distribution="optuna"),
    _peer("SMAC3", _smac, "smac", distribution="smac"),
    _peer("scikit-optimize", _scikit_optimize, "skopt", distribution="scikit-optimize"),
)
CONTESTANTS = {contestant.name: contestant for contestant in _ALL}
