"""Bayesian search: a model of the finished trials proposes the next ones. The one file that knows Optuna."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from hpsearch.checks import choice, integer
from hpsearch.errors import SettingError, must_be
from hpsearch.ports import Batch, Proposal, Search, StrategyBase
from hpsearch.space import Choice, Domain, Float, Int, Params, Space
from hpsearch.trial import Trial

if TYPE_CHECKING:
    import optuna

Sampler = Literal["tpe", "gp", "cmaes"]
# The package that a sampler needs beyond Optuna itself.
_NEEDS = {"gp": "torch", "cmaes": "cmaes"}


@dataclass(frozen=True)
class Bayesian(StrategyBase):
    """Fit a model to the trials so far and try where it expects the most, ``batch_size`` trials at a time.

    The first ``startup`` trials (fewer where earlier ones are known) learn nothing and so make one batch. Within a batch each
    proposal counts those before it as bad, which spreads them. Failed and diverged trials count as worse than the worst
    finite value so far. A larger number of trials begins with the same ones, so a finished study can be extended.

    Args:
        trials: how many trials in all.
        batch_size: how many are proposed together; more keep more workers busy and learn less from each trial.
        sampler: ``"tpe"`` models where good and bad trials lie, on every kind of space; ``"gp"`` (a Gaussian process, needs
            torch) and ``"cmaes"`` (an evolving normal distribution, needs cmaes) suit ranges without many choices.
        startup: how many trials come before the model.

    Source: Bergstra et al. (2011), Algorithms for hyper-parameter optimization, NeurIPS 24; through Optuna's samplers.
    """

    trials: int = 64
    batch_size: int = 1
    sampler: Sampler = "tpe"
    startup: int = 10

    def __post_init__(self) -> None:
        for name, example in (("trials", 64), ("batch_size", 1), ("startup", 10)):
            integer(f"Bayesian {name}", getattr(self, name), 1, f"Try {example}.")
        choice("Bayesian sampler", self.sampler, get_args(Sampler), "Leave it out for 'tpe'.")

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield the startup batch, then ``batch_size`` proposals at a time."""
        model = _Model(space, self._study(space, int(rng.integers(2**32))))
        model.tell(known)
        done = max(self.startup - len(known), 0)
        if done >= self.trials:
            advice = "With fewer, nothing is modelled: raise trials, or lower startup."
            raise SettingError(must_be("Bayesian trials", f"more than startup={done}", self.trials, advice))
        if done:
            model.tell((yield Batch([Proposal(space.sample(rng)) for _ in range(done)])))
        while done < self.trials:
            size = min(self.batch_size, self.trials - done)
            model.tell((yield Batch([Proposal(model.ask()) for _ in range(size)])))
            done += size

    def _study(self, space: Space, seed: int) -> optuna.Study:
        """Return a study in memory that nobody else sees, with the sampler asked for."""
        self._check_installed()
        import optuna

        # The startup trials are ours, so every sampler models from the first finite value on.
        common: dict[str, Any] = {"seed": seed, "n_startup_trials": 1}
        kinds: dict[str, Any] = {"gp": optuna.samplers.GPSampler, "cmaes": optuna.samplers.CmaEsSampler}
        with _quiet():
            if self.sampler == "tpe":
                return optuna.create_study(sampler=optuna.samplers.TPESampler(**common, **_tpe_settings(space)))
            return optuna.create_study(sampler=kinds[self.sampler](warn_independent_sampling=False, **common))

    def _check_installed(self) -> None:
        package = _NEEDS.get(self.sampler)
        if package and importlib.util.find_spec(package) is None:
            advice = f"Get it with: pip install 'hpsearch[{self.sampler}]'."
            raise SettingError(f"Bayesian sampler {self.sampler!r} needs the package {package!r}, which is not here. {advice}")


@dataclass
class _Model:
    """An Optuna study of one search: proposes by `ask`, learns by `tell`, in the same order."""

    space: Space
    study: optuna.Study
    values: list[float] = field(default_factory=list)
    asked: list[optuna.Trial] = field(default_factory=list)
    waiting: list[tuple[optuna.Trial | None, Trial]] = field(default_factory=list)

    def ask(self) -> Params:
        """Return the next point; those asked for and not yet told count as bad."""
        params: Params = {}
        with _quiet():
            trial = self.study.ask()
            for name, domain in self.space.domains.items():
                if self.space.active(name, params):
                    params[name] = _suggest(trial, name, domain)
        self.asked.append(trial)
        return params

    def tell(self, trials: Sequence[Trial]) -> None:
        """Learn from finished trials: first those asked for, in order, and any others as they are.

        A failed trial must count as worse than every finite one, so failures wait until there is a finite value at all.
        """
        for trial in trials:
            self.waiting.append((self.asked.pop(0) if self.asked else None, trial))
        self.values += [trial.value for trial in trials if trial.ok]
        if self.values:
            bad = _worse(self.values)
            for asked, trial in self.waiting:
                self._tell(asked, trial.params, trial.value if trial.ok else bad)
            self.waiting.clear()

    def _tell(self, asked: optuna.Trial | None, params: Mapping[str, Any], value: float) -> None:
        if asked is not None:
            self.study.tell(asked, value)
        else:
            self.study.add_trial(_finished(self.space, params, value))


def _tpe_settings(space: Space) -> dict[str, Any]:
    """Return how TPE shall model a space: grouped where parameters are conditional, with candidates by kind of range.

    A proposal is the best of so many candidates. Where there are only ranges, 64 took a tenth fewer trials than Optuna's 24
    (tests/benchmarks/bbob.py); where there are choices, they settled on one option too early.
    """
    domains = space.domains.values()
    choices = any(isinstance(domain, Choice) for domain in domains)
    conditional = any(domain.conditions for domain in domains)
    return {"multivariate": True, "constant_liar": True, "group": conditional, "n_ei_candidates": 24 if choices else 64}


def _worse(values: Sequence[float]) -> float:
    """Return a value a tenth of the spread above the worst of ``values``.

    Beyond the worst, so that no failure ranks before a finished trial; not far beyond, so that the smooth part of a Gaussian
    process keeps its scale (a whole spread beyond, it found optima ten times less exactly).
    """
    worst, best = max(values), min(values)
    return min(worst + 0.1 * ((worst - best) or abs(worst) or 1.0), sys.float_info.max)


def _finished(space: Space, params: Mapping[str, Any], value: float) -> optuna.trial.FrozenTrial:
    """Return a trial that this search did not ask for, as Optuna keeps it."""
    import optuna

    space.check(params)
    kinds = {
        Float: optuna.distributions.FloatDistribution,
        Int: optuna.distributions.IntDistribution,
        Choice: optuna.distributions.CategoricalDistribution,
    }
    distributions = {name: kinds[type(space[name])](**_settings(space[name])) for name in params}
    labels = {name: space[name].text(v) if isinstance(space[name], Choice) else v for name, v in params.items()}
    return optuna.trial.create_trial(params=labels, distributions=distributions, value=value)


def _suggest(trial: optuna.Trial, name: str, domain: Domain) -> Any:
    suggest: Any = {Float: trial.suggest_float, Int: trial.suggest_int, Choice: trial.suggest_categorical}[type(domain)]
    value = suggest(name, **_settings(domain))
    return domain.parse(value) if isinstance(domain, Choice) else value


def _settings(domain: Domain) -> dict[str, Any]:
    """Return a range in Optuna's words; a choice goes by its labels, which are text whatever the options are."""
    if isinstance(domain, Choice):
        return {"choices": domain.labels}
    settings: dict[str, Any] = {"low": domain.low, "high": domain.high, "log": domain.log}
    return settings if isinstance(domain, Float) else {**settings, "step": domain.step}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna from announcing its private study and its experimental samplers, and leave its settings as they were."""
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
