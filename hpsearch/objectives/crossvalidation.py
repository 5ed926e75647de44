"""k-fold cross-validation of an objective: k trainings, each scored on the rows it was not trained on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hpsearch.checks import integer
from hpsearch.data import Dataset, Part
from hpsearch.errors import SettingError, must_be
from hpsearch.objectives.estimator import TuneEstimator
from hpsearch.objectives.network import TrainNetwork
from hpsearch.objectives.targets import refuse_several_numbers
from hpsearch.objectives.trivial import ScoredTrivialAnswer, TrivialAnswer
from hpsearch.ports import Baseline, Context, ObjectiveBase, Predictions, Preflight, adapt_objective
from hpsearch.space import Domain, Space
from hpsearch.trial import PREFLIGHT, Curve, Outcome, Params

# Leave-one-out is one training per row: with more rows it is not worth its cost.
LOO_ROWS = 500
# The methods of the objective that are offered where it has them.
_PASSED_ON = frozenset({"prepare", "preflight", "refit", "predictions"})


@dataclass(frozen=True)
class CrossValidate(ObjectiveBase):
    """Score another objective by cross-validation: the value is the mean of its values over the folds.

    The rows of the training and of the validation part are joined and split into k folds, stratified by class; where the data
    have groups, no group is in two folds. Each fold is the validation part once, and the k - 1 others are the training part.
    Where the data are in the order of time, each of k later stretches is validated on, and all rows before it are trained on.
    All params, of all trials, see the same folds. The budget
    is that of one fold; one trial costs k trainings.

    Args:
        objective: a dataclass with ``data``, such as ``TrainNetwork``, ``TuneEstimator`` or ``TrainSVM``.
        folds: k, from 2 to the rows of the smallest class; or ``"loo"``, leave-one-out, on at most 500 rows.
        seed: of the folds.
        scoring: that of the objective, given here: a scorer of scikit-learn, one of your own, or several; see `TuneEstimator`.
        decides: the name of the score that is the value where there are several; the first where left out.
    Raises:
        SettingError: for an objective without data, one that takes no scoring, or folds that are impossible.

    Metrics of the outcome: the means over the folds of the objective's own; standard_error, s / sqrt(k), with s the standard
    deviation (k - 1) of the folds' values; and fold_1, ..., fold_k, the values themselves (left out for ``"loo"``). Folds share
    training rows, so the standard error is too small (Bengio and Grandvalet, 2004, JMLR 5). Curves: the means over the
    folds, at the steps that every fold reached.

    Known value: 5 folds of ``TrainSVM(data.digits())`` return .0097, 14 of 1,438 rows wrong.
    """

    objective: Any
    folds: int | Literal["loo"] = 5
    seed: int = dataclasses.field(default=0, kw_only=True)
    # They become those of the objective, and so part of its repr.
    scoring: InitVar[Any] = dataclasses.field(default=None, kw_only=True)
    decides: InitVar[str | None] = dataclasses.field(default=None, kw_only=True)
    # Of each fold's training rows, the number of a sample; and the seed of it. None takes all.
    _sample: tuple[int, int] | None = dataclasses.field(default=None, repr=False, compare=False, kw_only=True)

    def __post_init__(self, scoring: Any, decides: str | None) -> None:
        if scoring is not None or decides is not None:
            object.__setattr__(self, "objective", _with_scoring(self.objective, scoring, decides))
        data = self._inner.data if callable(self.objective) else None
        swaps = dataclasses.is_dataclass(self.objective) and not isinstance(self.objective, type)
        if not swaps or not isinstance(data, Dataset):
            advice = "Cross-validate TrainNetwork, TuneEstimator or TrainSVM."
            raise SettingError(must_be("CrossValidate's objective", "a dataclass with data", self.objective, advice))
        if data.reproduction:
            advice = "Take the data set itself: its test part must not become training rows."
            raise SettingError(must_be("CrossValidate's data", "not for reproduction", data, advice))
        if data.expanded:
            advice = "Distorted copies of a row would be in other folds than the row: take TrainNetwork(expansion=...)."
            raise SettingError(must_be("CrossValidate's data", "not expanded", data, advice))
        refuse_several_numbers("CrossValidate", data)
        integer("CrossValidate's seed", self.seed, 0, "Try 0.")
        self._check_folds()

    def __getstate__(self) -> dict[str, Any]:
        # The cache of `check` is as large as the data, and would be sent to every worker.
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @property
    def data(self) -> Dataset:
        """The data set of the objective, with its test part."""
        found: Dataset = self.objective.data
        return found

    @property
    def parameters(self) -> Collection[str] | None:
        """The names the objective accepts as params."""
        return self._inner.parameters

    def parameters_in(self, space: Space) -> Collection[str] | None:
        """Return the names that the objective accepts as params of a space."""
        return self._inner.parameters_in(space)

    @property
    def required(self) -> Collection[str]:
        """The names that the objective requires."""
        return self._inner.required

    @property
    def ranges(self) -> Mapping[str, Domain]:
        """The objective's own first ranges."""
        return self._inner.ranges

    @property
    def facts(self) -> Mapping[str, str]:
        """The facts that the objective has a study record."""
        return self._inner.facts

    @property
    def resources(self) -> Collection[str]:
        """What a trial can spend more or less of: what the objective can."""
        return self._inner.resources

    @property
    def training_rows(self) -> int:
        """The number of training rows of every fold; the largest that all folds have."""
        return len(self._smallest.train)

    @property
    def curves(self) -> tuple[str, ...]:
        """The curves that a trial reports while it runs: none, since the means of the folds come last."""
        return ()

    @property
    def baseline(self) -> Baseline | None:
        """The mean over the folds of what the trivial answer scores."""
        answer = getattr(self.objective, "trivial", None)
        if not isinstance(answer, (TrivialAnswer, ScoredTrivialAnswer)):
            return None
        every = self._rows(self.data)
        y, weights = every.y, every.weights
        found = [answer.baseline(y[t], y[h], None if weights is None else weights[h]) for t, h in self._splits(every)]
        known = [one for one in found if one is not None]
        if len(known) < len(found):
            return None
        return dataclasses.replace(known[0], value=float(np.mean([one.value for one in known])))

    @property
    def measure(self) -> str:
        """What the value is."""
        inner = self._inner.measure
        return inner.replace("validation", "cross-validation") if "validation" in inner else f"cross-validation {inner}"

    def criterion(self, space: Space) -> str:
        """Return that of the objective, with the folds."""
        return f"{self.measure} ({self._inner.criterion(space)}; folds={self.folds!r}, seed={self.seed})"

    def idle_settings(self, space: Space) -> Sequence[str]:
        """Return those of the objective."""
        return self._inner.idle_settings(space)

    @property
    def greater_is_better(self) -> bool | None:
        """Whether larger values are better: as of the objective."""
        return self._inner.greater_is_better

    @property
    def timed(self) -> Collection[str]:
        """The metrics that the clock measures; where it measures the value, those of each fold too."""
        inner = self._inner.timed
        k = self.folds if self.folds != "loo" else 0
        return (*inner, *(("standard_error", *(f"fold_{i + 1}" for i in range(k))) if "value" in inner else ()))

    @property
    def capabilities(self) -> frozenset[str]:
        """Its own methods, and those of the objective that are passed on."""
        return frozenset({"check", "test", "shrunk"}) | (self._inner.capabilities & _PASSED_ON)

    def prepare(self) -> None:
        """Load what the objective needs into this process."""
        self._inner.prepare()

    def preflight(self, space: Space) -> Preflight:
        """Return the objective's own checks before a search; on its data as they are, without folds."""
        return self._inner.preflight(space)

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise for params that the objective does not accept on all rows but one fold."""
        self._on(self._smallest).check({name: _own(value) for name, value in params.items()})

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Run the objective once per fold, each with its own random numbers; a state holds those of all folds."""
        if context.stage.startswith(PREFLIGHT):
            return _outcome(self._inner(params, context))
        return self._combined([self._run(data, params, inner) for data, inner in self._folds(context)])

    def predictions(self, params: Params, context: Context) -> Predictions:
        """Return what a trial predicts for each row in the fold that holds it out."""
        found = [
            self._on(data).predictions({name: _own(value) for name, value in params.items()}, inner)
            for data, inner in self._folds(context)
        ]
        return Predictions.join(found, "held-out rows of all folds")

    def _folds(self, context: Context) -> Iterator[tuple[Dataset, Context]]:
        """Yield the data set and the context of each fold of a trial."""
        k = len(self.data.train) + len(self.data.validation) if self.folds == "loo" else self.folds
        for fold, (data, rng) in enumerate(zip(self.datasets(), context.rng.spawn(k), strict=True), 1):
            state = _of_fold(context.state, fold)
            yield data, Context(rng, context.budget, state, context.deadline, stage=context.stage)

    def datasets(self) -> Iterator[Dataset]:
        """Yield one data set per fold: the held-out rows as its validation part, all others as its training part."""
        every = self._rows(self._rows_of)
        for train, held_out in self._splits(every):
            data = dataclasses.replace(self._rows_of, train=every.take(train), validation=every.take(held_out), test=None)
            yield data if self._sample is None else data.sample(*self._sample)

    def on_rows(self, rows: int, seed: int) -> CrossValidate:
        """Return the same on a sample of each fold's training rows; held-out rows stay whole."""
        if rows == self.training_rows:
            return self
        return dataclasses.replace(self, _sample=(rows, seed))

    def test(self, params: Params, context: Context, part: Part) -> dict[str, float]:
        """Train the winner on all rows, training and validation, and score it on a part.

        An objective that keeps the epoch of best validation score selects by these same rows here.
        """
        if "test" not in self._inner.capabilities:
            advice = "Give it test(params, context, part)."
            raise SettingError(must_be("CrossValidate's objective", "one with test()", self.objective, advice))
        return dict(self._whole.test(params, dataclasses.replace(context, state=None), part))

    @property
    def _whole(self) -> ObjectiveBase:
        """The objective on the rows of all folds."""
        every = self._rows(self._rows_of)
        return self._on(dataclasses.replace(self._rows_of, train=every, validation=every))

    def refit(self, params: Params, context: Context, rows: str = "all") -> Any:
        """Return the winner's estimator, fitted on all rows as for `test`; or on those of the training part alone."""
        return (self._whole if rows == "all" else self._inner).refit(params, context, "training")

    def shrunk(self) -> CrossValidate:
        """Return the same on the objective's own small part of the data, in as many folds as that allows."""
        if "shrunk" not in self._inner.capabilities:
            return self
        small = self.objective.shrunk()
        folds = self.folds if self.folds == "loo" else max(2, min(self.folds, _most_folds(small.data)[0]))
        return dataclasses.replace(self, objective=small, folds=folds)

    @cached_property
    def _inner(self) -> ObjectiveBase:
        return adapt_objective(self.objective)

    def _on(self, data: Dataset) -> ObjectiveBase:
        """Return the objective on other data, with its own copies of the lists and dicts among its settings."""
        held = {item.name: getattr(self.objective, item.name) for item in dataclasses.fields(self.objective) if item.init}
        own = {name: _own(value) for name, value in held.items() if isinstance(value, (dict, list, set))}
        return adapt_objective(dataclasses.replace(self.objective, **own, data=data))

    @cached_property
    def _smallest(self) -> Dataset:
        """The fold with the fewest training rows, which is the first unless there are groups: spare rows go to the first."""
        datasets = self.datasets()
        return next(datasets) if self.data.train.groups is None else min(datasets, key=lambda data: len(data.train))

    def _run(self, data: Dataset, params: Params, context: Context) -> Outcome:
        own = {name: _own(value) for name, value in params.items()}
        outcome = _outcome(self._on(data)(own, context))
        return dataclasses.replace(outcome, history=outcome.history or context.history)

    @property
    def _rows_of(self) -> Dataset:
        """The data set whose rows are trained on; those of a network are cast before they are split into folds."""
        return self.objective.source_data if isinstance(self.objective, TrainNetwork) else self.data

    @staticmethod
    def _rows(data: Dataset) -> Part:
        return Part.join([data.train, data.validation])

    def _splits(self, every: Part) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        from sklearn.model_selection import (
            GroupKFold,
            KFold,
            LeaveOneOut,
            StratifiedGroupKFold,
            StratifiedKFold,
            TimeSeriesSplit,
        )

        if self.folds == "loo":
            return iter(LeaveOneOut().split(every.y))
        if self.data.ordered:
            return _in_order(every, TimeSeriesSplit(self.folds).split(every.y))
        kinds = (KFold, StratifiedKFold) if every.groups is None else (GroupKFold, StratifiedGroupKFold)
        kind = kinds[0 if self.data.regression else 1]
        return iter(kind(self.folds, shuffle=True, random_state=self.seed).split(every.y, every.y, every.groups))

    def _check_folds(self) -> None:
        rows = len(self.data.train) + len(self.data.validation)
        if self.folds == "loo":
            if self.data.ordered or self.data.train.groups is not None:
                found = "rows in the order of time" if self.data.ordered else "groups"
                raise SettingError(must_be("Rows for folds='loo'", "independent of each other", found, "Take folds=5."))
            if rows > LOO_ROWS:
                raise SettingError(must_be("Rows for folds='loo'", f"at most {LOO_ROWS}", rows, "Take folds=10."))
            return
        integer("folds", self.folds, 2, "Try 5.", other="'loo'")
        most, which = _most_folds(self.data)
        if self.folds > most:
            alone = rows <= LOO_ROWS and not self.data.ordered and self.data.train.groups is None
            advice = f"Take fewer folds{', or folds=' + repr('loo') if alone else ''}."
            raise SettingError(must_be("folds", f"at most {most}, {which}", self.folds, advice))

    def _combined(self, outcomes: Sequence[Outcome]) -> Outcome:
        values = [outcome.value for outcome in outcomes]
        metrics = {} if self.folds == "loo" else {f"fold_{fold}": value for fold, value in enumerate(values, 1)}
        metrics["standard_error"] = float(np.std(values, ddof=1)) / math.sqrt(len(values))
        for name in _shared([outcome.metrics for outcome in outcomes]):
            metrics[name] = float(np.mean([outcome.metrics[name] for outcome in outcomes]))
        histories = [outcome.history for outcome in outcomes]
        curves = {name: _mean_curve([history[name] for history in histories]) for name in _shared(histories)}
        times = {unit: _mean_curve([o.times[unit] for o in outcomes]) for unit in _shared([o.times for o in outcomes])}
        return Outcome(float(np.mean(values)), metrics, curves, state=_state([o.state for o in outcomes]), times=times)


def _with_scoring(objective: Any, scoring: Any, decides: str | None) -> Any:
    """Return a copy of an objective with a scoring of its own."""
    if not isinstance(objective, (TuneEstimator, TrainNetwork)):
        advice = "Leave scoring out, or take TuneEstimator(SVC(), data)."
        what = "The objective of CrossValidate(scoring=...)"
        raise SettingError(must_be(what, "TuneEstimator or TrainNetwork", type(objective).__name__, advice))
    if objective.scoring is not None:
        raise SettingError(must_be("scoring", "given once", objective.scoring, "Leave out one of the two."))
    return dataclasses.replace(objective, scoring=scoring, decides=decides)


def _own(value: Any) -> Any:
    """Return a copy of a param for one fold; an estimator as it is, since a copy of it would no longer be fitted."""
    from sklearn.base import clone

    return value if hasattr(value, "get_params") else clone(value, safe=False)


def _in_order(every: Part, splits: Iterator[Any]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the splits, with training rows that are earlier than all rows that are validated on.

    Raises:
        SettingError: where there is none.
    """
    times = np.arange(len(every)) if every.groups is None else every.groups
    for train, held_out in splits:
        earlier = train[times[train] < times[held_out[0]]]
        if not len(earlier):
            advice = "Take fewer folds, or finer times."
            raise SettingError(must_be("Each fold", "trained on earlier rows", "a fold without any", advice))
        yield earlier, held_out


def _most_folds(data: Dataset) -> tuple[int, str]:
    """Return the largest possible k, and what limits it: the rows of the rarest class, the groups, or all rows."""
    y = np.concatenate([data.train.y, data.validation.y])
    if data.ordered:
        return len(y) - 1, "one less than the rows of both parts"
    if data.train.groups is not None:
        groups = [part.groups for part in (data.train, data.validation) if part.groups is not None]
        return len(np.unique(np.concatenate(groups))), "the number of groups"
    if data.regression:
        return len(y), "the rows of both parts"
    names, counts = np.unique(y, return_counts=True)
    rare = int(counts.argmin())
    label = data.class_names[names[rare]] if data.class_names else int(names[rare])
    return int(counts[rare]), f"the rows of the smallest class, {label!r}"


def _outcome(returned: object) -> Outcome:
    """Return the outcome of an objective that returned one, or a number."""
    return returned if isinstance(returned, Outcome) else Outcome(float(returned))  # type: ignore[arg-type]


def _shared(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names that every table has, in the order of the first."""
    return [name for name in tables[0] if all(name in table for table in tables)]


def _mean_curve(curves: Sequence[Curve]) -> Curve:
    points = [dict(curve) for curve in curves]
    steps = sorted(set(points[0]).intersection(*points[1:]))
    return tuple((step, float(np.mean([each[step] for each in points]))) for step in steps)


def _state(states: Sequence[Mapping[str, Any] | None]) -> dict[str, Any] | None:
    """Return the states of all folds as one, or None where a fold has none."""
    kept = [state for state in states if state is not None]
    if len(kept) < len(states):
        return None
    return {f"{fold}.{name}": array for fold, state in enumerate(kept, 1) for name, array in state.items()}


def _of_fold(state: Mapping[str, Any] | None, fold: int) -> dict[str, Any] | None:
    prefix = f"{fold}."
    return None if state is None else {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
