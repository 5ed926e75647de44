"""Bayesian search with the samplers of Optuna: a model of the finished trials proposes the next ones."""

from __future__ import annotations

import importlib.util
import math
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np

from hpsearch.checks import choice, integer
from hpsearch.errors import SettingError, must_be
from hpsearch.ports import Batch, Proposal, Search, StrategyBase
from hpsearch.space import Choice, Domain, Float, Params, Space
from hpsearch.strategies.starting_points import first_points
from hpsearch.trial import Status, Trial

if TYPE_CHECKING:
    import optuna

Sampler = Literal["tpe", "gp", "cmaes"]
# The package that a sampler needs besides Optuna.
_NEEDS = {"gp": "torch", "cmaes": "cmaes"}


@dataclass(frozen=True)
class Bayesian(StrategyBase):
    """Fit a model to the trials so far and propose the most promising points, ``batch_size`` trials at a time.

    The first ``startup`` trials (fewer if there are known trials) make one batch: a point near the centre of the space and
    points of a scrambled Sobol sequence. Within a batch each proposal counts those before it as bad, which spreads them. Failed
    and diverged trials count as worse than the worst finite value so far. ``"tpe"`` ranks trials that were stopped by their
    curve behind those, by how far they came and then by the curve; the other samplers get the values that their curves make
    likely. A larger number of trials begins with the same ones, so a finished study can be extended.

    Args:
        trials: the number of trials in all.
        batch_size: the number of trials in a batch; a larger one keeps more workers busy and learns less from each trial. In
            measurements 4 needed about as many trials as 1 (47 and 47 on tables of networks, 30 and 28 on functions).
        sampler: ``"tpe"`` models the densities of good and bad trials, on every kind of space; ``"gp"`` (a Gaussian process,
            needs torch) and ``"cmaes"`` (an evolving normal distribution, needs cmaes) suit spaces with few choices.
        startup: the number of trials before the first model. Measured in batches of 4: 39 trials on tables and 28 on functions
            for what random search finds in 256, where ten random draws took 47 and 30 (tests/benchmarks/search.py).

    Source: Bergstra et al. (2011), Algorithms for hyper-parameter optimization, NeurIPS 24; through Optuna's samplers.
    """

    trials: int = 64
    batch_size: int = 4
    sampler: Sampler = "tpe"
    startup: int = 3

    # Version 1 began with ``startup`` random draws, 10 unless given, and took a stopped trial for a failed one.
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        for name, example in (("trials", 64), ("batch_size", 4), ("startup", 3)):
            integer(f"Bayesian {name}", getattr(self, name), 1, f"Try {example}.")
        choice("Bayesian sampler", self.sampler, get_args(Sampler), "Leave it out for 'tpe'.")

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield the startup batch, then ``batch_size`` proposals at a time."""
        model = _Model(space, self._create_study(space, int(rng.integers(2**32))), prunes=self.sampler == "tpe")
        model.add_trials(known)
        done = max(self.startup - len(known), 0)
        if done >= self.trials:
            advice = "Otherwise no trial is left for the model: raise trials, or lower startup."
            raise SettingError(must_be("Bayesian trials", f"more than startup={done}", self.trials, advice))
        if done:
            points = first_points(space, self.startup, True, rng)[:done]
            model.add_trials((yield Batch([Proposal(params) for params in points])))
        while done < self.trials:
            size = min(self.batch_size, self.trials - done)
            model.add_trials((yield Batch([Proposal(model.suggest_params()) for _ in range(size)])))
            done += size

    def _create_study(self, space: Space, seed: int) -> optuna.Study:
        """Return an Optuna study in memory with the chosen sampler."""
        self._check_installed()
        import optuna

        # The startup trials are proposed here, so every sampler may model from the first finite value on.
        common: dict[str, Any] = {"seed": seed, "n_startup_trials": 1}
        kinds: dict[str, Any] = {"gp": optuna.samplers.GPSampler, "cmaes": optuna.samplers.CmaEsSampler}
        with _silence_optuna():
            if self.sampler == "tpe":
                return optuna.create_study(sampler=optuna.samplers.TPESampler(**common, **_tpe_settings(space)))
            return optuna.create_study(sampler=kinds[self.sampler](warn_independent_sampling=False, **common))

    def _check_installed(self) -> None:
        package = _NEEDS.get(self.sampler)
        if package and importlib.util.find_spec(package) is None:
            advice = f"Run: pip install 'hpsearch[{self.sampler}]'."
            what = f"Bayesian sampler {self.sampler!r} needs the package {package!r}, which is not installed."
            raise SettingError(f"{what} {advice}")


@dataclass
class _Model:
    """The Optuna study of one search, which suggests params and learns from their trials in the same order.

    Args:
        space: the ranges.
        study: with the sampler.
        prunes: whether the sampler learns from pruned trials.
    """

    space: Space
    study: optuna.Study
    prunes: bool = True
    values: list[float] = field(default_factory=list)
    suggested: list[optuna.Trial] = field(default_factory=list)
    pending: list[tuple[optuna.Trial | None, Trial]] = field(default_factory=list)

    def suggest_params(self) -> Params:
        """Return the next point; suggested points without a trial so far count as bad."""
        params: Params = {}
        with _silence_optuna():
            trial = self.study.ask()
            for name, domain in self.space.domains.items():
                if self.space.active(name, params):
                    params[name] = _suggest(trial, name, domain)
        self.suggested.append(trial)
        return params

    def add_trials(self, trials: Sequence[Trial]) -> None:
        """Learn from finished trials: those of suggested points come first, in order; any others are known ones.

        A failed trial must count as worse than every finite one, so trials are pending until there is a finite value. One that
        was stopped by its curve is a pruned one where the sampler learns from these; else it has the value that its study
        expects of it.
        """
        for trial in trials:
            self.pending.append((self.suggested.pop(0) if self.suggested else None, trial))
        self.values += [trial.value for trial in trials if trial.ok]
        if self.values:
            penalty = _penalty(self.values)
            for suggested, trial in self.pending:
                stopped = trial.status is Status.STOPPED
                if stopped and self.prunes:
                    self._add_pruned(suggested, trial)
                else:
                    known = trial.ok or (stopped and math.isfinite(trial.value))
                    self._add_value(suggested, trial.params, trial.value if known else penalty)
            self.pending.clear()

    def _add_value(self, suggested: optuna.Trial | None, params: Params, value: float) -> None:
        if suggested is not None:
            self.study.tell(suggested, value)
        else:
            self.study.add_trial(_to_frozen_trial(self.space, params, value=value))

    def _add_pruned(self, suggested: optuna.Trial | None, trial: Trial) -> None:
        """Add a trial by its curve, the first in its history."""
        import optuna

        curve = next(iter(trial.outcome.history.values()), ()) if trial.outcome is not None else ()
        pruned = optuna.trial.TrialState.PRUNED
        if suggested is None:
            frozen = _to_frozen_trial(self.space, trial.params, state=pruned, intermediate_values=dict(curve))
            self.study.add_trial(frozen)
            return
        for step, value in curve:
            suggested.report(value, step)
        self.study.tell(suggested, state=pruned)


def _tpe_settings(space: Space) -> dict[str, Any]:
    """Return the options of TPE for a space: groups if parameters are conditional, and the number of candidates.

    A proposal is the best of so many candidates. On ranges alone, 64 candidates took a tenth fewer trials than Optuna's 24
    (tests/benchmarks/bbob.py). With choices, they settled on one option too early.
    """
    domains = space.domains.values()
    choices = any(isinstance(domain, Choice) for domain in domains)
    conditional = any(domain.conditions for domain in domains)
    return {"multivariate": True, "constant_liar": True, "group": conditional, "n_ei_candidates": 24 if choices else 64}


def _penalty(values: Sequence[float]) -> float:
    """Return the value of failed trials: a tenth of the spread above the worst of ``values``.

    It is above the worst, so that no failure ranks before a finished trial. It is not far above, so that a Gaussian process
    keeps its scale: with a whole spread, it found optima ten times less exactly.
    """
    worst, best = max(values), min(values)
    return min(worst + 0.1 * ((worst - best) or abs(worst) or 1.0), sys.float_info.max)


def _to_frozen_trial(space: Space, params: Params, **end: Any) -> optuna.trial.FrozenTrial:
    """Return a known trial in the form in which Optuna keeps it; ``end`` is how it ended."""
    import optuna

    space.check(params)
    kinds = {
        "float": optuna.distributions.FloatDistribution,
        "int": optuna.distributions.IntDistribution,
        "categorical": optuna.distributions.CategoricalDistribution,
    }
    distributions = {name: kinds[_kind(space[name])](**_domain_options(space[name])) for name in params}
    values = {name: _to_optuna(space[name], value) for name, value in params.items()}
    return optuna.trial.create_trial(params=values, distributions=distributions, **end)


def _suggest(trial: optuna.Trial, name: str, domain: Domain) -> Any:
    suggest: Any = {"float": trial.suggest_float, "int": trial.suggest_int, "categorical": trial.suggest_categorical}
    value = suggest[_kind(domain)](name, **_domain_options(domain))
    if isinstance(domain, Float) and domain.step is not None:
        return domain.at(value)
    if _is_too_wide(domain):
        return domain.from_unit(value)
    return domain.parse(value) if isinstance(domain, Choice) else value


def _kind(domain: Domain) -> str:
    """Return the kind of Optuna's distribution; a stepped range of floats is one of whole numbers, its steps."""
    if isinstance(domain, Choice):
        return "categorical"
    return "float" if isinstance(domain, Float) and domain.step is None else "int"


def _is_too_wide(domain: Domain) -> bool:
    """Return whether the width of a range is no float; Optuna then gets positions from 0 to 1."""
    return isinstance(domain, Float) and not domain.log and math.isinf(domain.high - domain.low)


def _to_optuna(domain: Domain, value: Any) -> Any:
    """Return a value as Optuna has it: the label of an option, the number of steps where a range of floats has steps."""
    if isinstance(domain, Choice):
        return domain.text(value)
    if _is_too_wide(domain):
        return domain.to_unit(value)
    return domain.steps_to(value) if isinstance(domain, Float) and domain.step is not None else value


def _domain_options(domain: Domain) -> dict[str, Any]:
    """Return the options of Optuna's distribution for a domain; a choice is passed as its labels, which are always texts."""
    if isinstance(domain, Choice):
        return {"choices": domain.labels}
    if isinstance(domain, Float) and domain.step is not None:
        return {"low": 0, "high": domain.count - 1}
    if _is_too_wide(domain):
        return {"low": 0.0, "high": 1.0}
    settings: dict[str, Any] = {"low": domain.low, "high": domain.high, "log": domain.log}
    return settings if isinstance(domain, Float) else {**settings, "step": domain.step}


@contextmanager
def _silence_optuna() -> Iterator[None]:
    """Silence Optuna's log and its warnings about experimental samplers, then restore its settings."""
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
