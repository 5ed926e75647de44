"""Importance of parameters by functional analysis of variance (fANOVA), computed by Optuna."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hpsearch.analysis.findings import Findings, spread
from hpsearch.analysis.screening import leading_columns
from hpsearch.space import Choice
from hpsearch.trial import Status, Trial

# Fewer trials than this say nothing; more than that take minutes, for the effort grows with their square.
FEWEST, MOST = 10, 200
# More parameters than this are screened first: the effort for pairs grows with the square of their number.
MOST_NAMES = 30
SEED = 0


@dataclass(frozen=True)
class Importance:
    """The share of the variance that each parameter explains by itself, largest first, and what it was computed from.

    ``weak`` are the parameters that were left out, because the ranks follow them least.
    """

    shares: dict[str, float]
    constant: tuple[str, ...]
    trials: int
    weak: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def importance(findings: Findings, seed: int = SEED) -> Importance | str:
    """Return how much each parameter matters, or one sentence that says why it is unknown.

    The trials' ranks are analysed, not their values, so that one very bad trial does not decide everything; trials that did
    not finish share the worst rank. A conditional parameter lies in the middle of its range where it is absent. Of more than
    200 trials, the 100 best and an even choice of the others are taken; of more than 30 parameters, those that the ranks follow
    most closely.

    Known value: where the value is one of the parameters, that one has a share close to 1.
    Source: Hutter, Hoos and Leyton-Brown (2014), An efficient approach for assessing hyperparameter importance, ICML;
    `optuna.importance.FanovaImportanceEvaluator`.
    """
    found = varied(findings)
    if isinstance(found, str):
        return found
    return Importance(_shares(found.columns, found.ranks, seed), found.constant, found.trials, found.weak)


def most_important(findings: Findings, most: int) -> list[str]:
    """Return at most so many parameters, in the order of the space: all, or those that explain most of the variance.

    Where the importance is unknown, they are the first ones.
    """
    names = list(findings.space)
    if len(names) <= most:
        return names
    found = importance(findings)
    ranked = names if isinstance(found, str) else list(dict.fromkeys([*found.shares, *found.weak, *names]))
    kept = set(ranked[:most])
    return [name for name in names if name in kept]


@dataclass(frozen=True)
class Varied:
    """The params of trials as columns, without those that never changed and weak ones, and the ranks of the trials."""

    columns: dict[str, list[Any]]
    ranks: list[float]
    constant: tuple[str, ...]
    weak: tuple[str, ...] = ()

    @property
    def trials(self) -> int:
        return len(self.ranks)


@lru_cache(maxsize=1)
def varied(findings: Findings) -> Varied | str:
    """Return what importance is computed from, or one sentence that says why there is too little."""
    trials = [trial for trial in findings.searching if trial.status is not Status.STOPPED]
    trials = spread(trials, findings.ranks, MOST)
    if len(findings.finished) < FEWEST:
        return f"Importance needs {FEWEST} finished trials, and there are {len(findings.finished)}."
    columns = {name: [_coordinate(findings, name, trial) for trial in trials] for name in findings.space}
    constant = tuple(name for name, column in columns.items() if len(set(column)) < 2)
    columns = {name: column for name, column in columns.items() if name not in constant}
    if not columns or len({t.value for t in trials if t.ok}) < 2:
        return "Importance cannot be told: all trials have the same params or the same value."
    ranks = [findings.ranks.get(trial.number, 1.0) for trial in trials]
    leading = leading_columns(columns, ranks, MOST_NAMES)
    weak = tuple(name for name in columns if name not in leading)
    return Varied({name: columns[name] for name in leading}, ranks, constant, weak)


def _coordinate(findings: Findings, name: str, trial: Trial) -> float | str:
    """Return a parameter's place in its range, on its own scale, or its option's label; absent ones have a place too."""
    domain = findings.space[name]
    if isinstance(domain, Choice):
        return domain.text(trial.params[name]) if name in trial.params else "absent"
    return domain.to_unit(trial.params[name]) if name in trial.params else 0.5


def _shares(columns: dict[str, list[Any]], ranks: list[float], seed: int) -> dict[str, float]:
    import optuna
    from optuna.importance import FanovaImportanceEvaluator

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        distributions = {name: _distribution(column) for name, column in columns.items()}
        study = optuna.create_study()
        for row, rank in enumerate(ranks):
            point = {name: column[row] for name, column in columns.items()}
            study.add_trial(optuna.trial.create_trial(params=point, distributions=distributions, value=rank))
        found = FanovaImportanceEvaluator(seed=seed).evaluate(study)
    finally:
        optuna.logging.set_verbosity(verbosity)
    return {name: float(share) for name, share in sorted(found.items(), key=lambda pair: -pair[1])}


def _distribution(column: list[Any]) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if isinstance(column[0], str):
        return CategoricalDistribution(sorted(set(column)))
    return FloatDistribution(min(column), max(column))
