"""k-fold cross-validation of an objective: k trainings, each scored on the rows it was not trained on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hpsearch.checks import integer
from hpsearch.data import Dataset, Part
from hpsearch.errors import SettingError, must_be
from hpsearch.objectives.network import TrainNetwork
from hpsearch.objectives.trivial import TrivialAnswer
from hpsearch.ports import Baseline, Context, ObjectiveBase, Preflight, adapt_objective
from hpsearch.space import Domain, Space
from hpsearch.trial import PREFLIGHT, Curve, Outcome, Params

# Leave-one-out is one training per row: with more rows it is not worth its cost.
LOO_ROWS = 500


@dataclass(frozen=True)
class CrossValidate(ObjectiveBase):
    """Score another objective by cross-validation: the value is the mean of its values over the folds.

    The rows of the training and of the validation part are joined and split into k folds, stratified by class. Each fold is the
    validation part once, and the k - 1 others are the training part. All params, of all trials, see the same folds. The budget
    is that of one fold; one trial costs k trainings.

    Args:
        objective: a dataclass with ``data``, such as ``TrainNetwork``, ``TuneEstimator`` or ``TrainSVM``.
        folds: k, from 2 to the rows of the smallest class; or ``"loo"``, leave-one-out, on at most 500 rows.
        seed: of the folds.
    Raises:
        SettingError: for an objective without data, or folds that are impossible.

    Metrics of the outcome: the means over the folds of the objective's own; standard_error, s / sqrt(k), with s the standard
    deviation (k - 1) of the folds' values; and fold_1, ..., fold_k, the values themselves (left out for ``"loo"``). Folds share
    training rows, so the standard error is too small (Bengio and Grandvalet, 2004, JMLR 5). Curves: the means over the
    folds, at the steps that every fold reached.

    Known value: 5 folds of ``TrainSVM(data.digits())`` return .0097, 14 of 1,438 rows wrong.
    """

    objective: Any
    folds: int | Literal["loo"] = 5
    seed: int = dataclasses.field(default=0, kw_only=True)
    # Of each fold's training rows, the number of a sample; and the seed of it. None takes all.
    _sample: tuple[int, int] | None = dataclasses.field(default=None, repr=False, compare=False, kw_only=True)

    def __post_init__(self) -> None:
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
        if not isinstance(answer, TrivialAnswer):
            return None
        y = np.concatenate([self.data.train.y, self.data.validation.y])
        found = [answer.baseline(y[train], y[held_out]) for train, held_out in self._splits(y)]
        return dataclasses.replace(found[0], value=float(np.mean([one.value for one in found])))

    @property
    def measure(self) -> str:
        """What the value is."""
        inner = self._inner.measure
        return inner.replace("validation", "cross-validation") if "validation" in inner else f"cross-validation {inner}"

    @property
    def capabilities(self) -> frozenset[str]:
        """Its own methods, and those of the objective that are passed on."""
        return frozenset({"check", "test", "shrunk"}) | (self._inner.capabilities & {"prepare", "preflight"})

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
        k = len(self.data.train) + len(self.data.validation) if self.folds == "loo" else self.folds
        outcomes = []
        for fold, (data, rng) in enumerate(zip(self.datasets(), context.rng.spawn(k), strict=True), 1):
            state = _of_fold(context.state, fold)
            inner = Context(rng, context.budget, state, context.deadline, stage=context.stage)
            outcomes.append(self._run(data, params, inner))
        return self._combined(outcomes)

    def datasets(self) -> Iterator[Dataset]:
        """Yield one data set per fold: the held-out rows as its validation part, all others as its training part."""
        x, y = self._rows()
        for train, held_out in self._splits(y):
            fit, score = (Part(x[rows], y[rows]) for rows in (train, held_out))
            data = dataclasses.replace(self._rows_of, train=fit, validation=score, test=None)
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
        every = Part(*self._rows())
        whole = self._on(dataclasses.replace(self._rows_of, train=every, validation=every))
        return dict(whole.test(params, dataclasses.replace(context, state=None), part))

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
        """The fold with the fewest training rows, which is the first: spare rows go to the first folds."""
        return next(self.datasets())

    def _run(self, data: Dataset, params: Params, context: Context) -> Outcome:
        own = {name: _own(value) for name, value in params.items()}
        outcome = _outcome(self._on(data)(own, context))
        return dataclasses.replace(outcome, history=outcome.history or context.history)

    @property
    def _rows_of(self) -> Dataset:
        """The data set whose rows are trained on; those of a network are cast before they are split into folds."""
        return self.objective.trained_data if isinstance(self.objective, TrainNetwork) else self.data

    def _rows(self) -> tuple[NDArray[Any], NDArray[Any]]:
        parts = (self._rows_of.train, self._rows_of.validation)
        return np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts])

    def _splits(self, y: NDArray[Any]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        from sklearn.model_selection import KFold, LeaveOneOut, StratifiedKFold

        if self.folds == "loo":
            return iter(LeaveOneOut().split(y))
        kind = KFold if self.data.regression else StratifiedKFold
        return iter(kind(self.folds, shuffle=True, random_state=self.seed).split(y, y))

    def _check_folds(self) -> None:
        rows = len(self.data.train) + len(self.data.validation)
        if self.folds == "loo":
            if rows > LOO_ROWS:
                raise SettingError(must_be("Rows for folds='loo'", f"at most {LOO_ROWS}", rows, "Take folds=10."))
            return
        integer("folds", self.folds, 2, "Try 5.", other="'loo'")
        most, which = _most_folds(self.data)
        if self.folds > most:
            advice = f"Take fewer folds{', or folds=' + repr('loo') if rows <= LOO_ROWS else ''}."
            raise SettingError(must_be("folds", f"at most {most}, the rows {which}", self.folds, advice))

    def _combined(self, outcomes: Sequence[Outcome]) -> Outcome:
        values = [outcome.value for outcome in outcomes]
        metrics = {} if self.folds == "loo" else {f"fold_{fold}": value for fold, value in enumerate(values, 1)}
        metrics["standard_error"] = float(np.std(values, ddof=1)) / math.sqrt(len(values))
        for name in _shared([outcome.metrics for outcome in outcomes]):
            metrics[name] = float(np.mean([outcome.metrics[name] for outcome in outcomes]))
        histories = [outcome.history for outcome in outcomes]
        curves = {name: _mean_curve([history[name] for history in histories]) for name in _shared(histories)}
        return Outcome(float(np.mean(values)), metrics, curves, state=_state([outcome.state for outcome in outcomes]))


def _own(value: Any) -> Any:
    """Return a copy of a param for one fold; an estimator as it is, since a copy of it would no longer be fitted."""
    from sklearn.base import clone

    return value if hasattr(value, "get_params") else clone(value, safe=False)


def _most_folds(data: Dataset) -> tuple[int, str]:
    """Return the largest possible k, and the rows that limit it: those of the rarest class, or all for regression."""
    y = np.concatenate([data.train.y, data.validation.y])
    if data.regression:
        return len(y), "of both parts"
    names, counts = np.unique(y, return_counts=True)
    rare = int(counts.argmin())
    label = data.class_names[names[rare]] if data.class_names else int(names[rare])
    return int(counts[rare]), f"of the smallest class, {label!r}"


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
