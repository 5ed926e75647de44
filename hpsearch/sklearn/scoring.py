"""Scores of a search: scorers read from what the user gave, the one that decides, and what they need."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sklearn.metrics import check_scoring, get_scorer, get_scorer_names
from sklearn.pipeline import Pipeline

from hpsearch.errors import SettingError, did_you_mean, must_be
from hpsearch.objectives.estimator import one_line
from hpsearch.objectives.scoring import response_methods

# What scikit-learn calls the only score.
ONE = "score"
Refit = bool | str | Callable[[dict[str, Any]], int]


@dataclass(frozen=True)
class Scoring:
    """The scores of a search.

    Args:
        estimator: what is scored; its own ``score`` is taken where nothing else is given.
        given: the name of a scorer, a function, several of them, or None.
        refit: whether to fit the best estimator, the name of the score that decides, or a function that chooses.
    Raises:
        SettingError: a scorer is unknown, or none of several is to decide.
    """

    estimator: Any
    given: Any
    refit: Any

    @cached_property
    def scorers(self) -> Any:
        """The scorers by name where there are several, else a scorer, the user's function, or None."""
        if isinstance(self.given, str):
            return _named(self.given)
        if isinstance(self.given, Mapping):
            found = {name: _named(one) if isinstance(one, str) else get_scorer(one) for name, one in self.given.items()}
        elif isinstance(self.given, (list, tuple, set)):
            found = {name: _named(name) for name in (sorted(self.given) if isinstance(self.given, set) else self.given)}
        else:
            return self.given
        if not found:
            raise SettingError(must_be("scoring", "one scorer or more", self.given, "Leave it out for the estimator's own."))
        return found

    @property
    def several(self) -> bool:
        """Whether several scorers were given; what a function returns shows only when it is called."""
        return isinstance(self.scorers, dict)

    @property
    def function(self) -> Any:
        """One function for all scores."""
        return self.given if callable(self.given) else check_scoring(self.estimator, scoring=self.scorers)

    @property
    def decides(self) -> str:
        """The name of the score that leads the strategy."""
        if self.several or (callable(self.given) and isinstance(self.refit, str)):
            return self.deciding(self.scorers)
        return ONE

    def deciding(self, names: Any) -> str:
        """Return which of several scores decides: the one that refit names, else the first."""
        return self.refit if isinstance(self.refit, str) else str(next(iter(names)))

    @property
    def name(self) -> str:
        """What the score that decides is called."""
        return self.given if isinstance(self.given, str) else str(getattr(self.given, "__name__", self.decides))

    def check_refit(self, names: Iterable[str]) -> None:
        """Raise where none of several scores is to decide."""
        names = list(names)
        if self.refit and not callable(self.refit) and self.refit not in names:
            shown, advice = ", ".join(map(repr, names)), f"Write refit={names[0]!r}."
            raise SettingError(must_be("refit for several scores", f"one of {shown}, a function or False", self.refit, advice))

    @property
    def without_weights(self) -> list[str]:
        """The names of the scores that take no sample_weight."""
        scorers = self.scorers if self.several else {self.name: self.function}
        return [name for name, scorer in scorers.items() if not _takes_weights(scorer)]

    @property
    def takes_weights(self) -> bool:
        """Whether any score takes sample_weight."""
        return len(self.without_weights) < (len(self.scorers) if self.several else 1)


def check_responses(name: str, scorer: Any, candidate: Any) -> None:
    """Raise where a scorer needs what a model cannot return, such as probabilities."""
    methods, model = response_methods(scorer), candidate
    while isinstance(model, Pipeline):
        model = model.steps[-1][1]
    # An estimator that holds others may know only after fitting what it can return.
    holds_others = not hasattr(model, "get_params") or any("estimator" in key for key in model.get_params())
    if methods and not holds_others and not any(hasattr(model, method) for method in methods):
        what, which = " or ".join(methods), one_line(model)
        advice = "Take a scorer that needs predict alone, such as 'balanced_accuracy', or another model."
        raise SettingError(f"The scorer {name!r} needs {what}(), which {which} does not have. {advice}")


def _named(name: Any) -> Any:
    if isinstance(name, str) and name in (known := get_scorer_names()):
        return get_scorer(name)
    advice = "sklearn.metrics.get_scorer_names() lists them."
    close = did_you_mean(name, known) if isinstance(name, str) else ""
    raise SettingError(must_be("scoring", "the name of a scorer of scikit-learn, or a function", name, f"{advice}{close}"))


def _takes_weights(scorer: Any) -> bool:
    own = getattr(scorer, "_accept_sample_weight", None)
    return bool(own()) if callable(own) else "sample_weight" in inspect.signature(scorer).parameters
