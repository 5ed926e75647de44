"""Halving over training rows, from the study to the record: every objective that holds data, and those that do not."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from hpsearch import Context, Float, Int, Result, Space, Study, data
from hpsearch.comparison import compare
from hpsearch.data import Dataset
from hpsearch.errors import DataError, SettingError, StudyError
from hpsearch.objectives import CrossValidate, TrainNetwork, TrainSVM, TuneEstimator
from hpsearch.ports import ObjectiveBase
from hpsearch.report.report import REPORT, files
from hpsearch.search.rerun import rerun
from hpsearch.strategies import Halving, Hyperband, Random
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker, MlflowTracker
from hpsearch.trial import Params, Trial

DIGITS = data.digits()
C = Space(C=Float(0.1, 10.0, log=True))
SMOOTHING = Space(var_smoothing=Float(1e-9, 1.0, log=True))
BAYES = TuneEstimator(GaussianNB(), DIGITS)
ROWS = Halving(trials=9, resource="rows")
STUDY = Study("rows", SMOOTHING, BAYES, ROWS, seed=3)


@dataclass(frozen=True)
class Own(ObjectiveBase):
    """A user's objective that holds data in a field."""

    data: Dataset

    def __call__(self, params: Params, context: Context) -> float:
        assert context.budget is None
        return float(len(self.data.train) - len(self.data.validation))


@dataclass(frozen=True)
class Plain:
    """The same without the base class."""

    data: Dataset

    def __call__(self, params: Params) -> float:
        return float(len(self.data.train) - len(self.data.validation))


class Lines:
    """An objective that holds rows of its own kind, and says how it takes a part of them."""

    def __init__(self, count: int) -> None:
        self.training_rows = count

    def on_rows(self, rows: int, seed: int) -> Lines:
        return Lines(rows)

    def __call__(self, params: Params) -> float:
        return float(self.training_rows)


def run(study: Study, tracker: Any = None, **options: Any) -> Any:
    return study.run(tracker=tracker or MemoryTracker(), **{"backend": "sequential", **options})


def rungs(trials: Any) -> list[tuple[str, int | None]]:
    return [(t.stage, t.budget) for t in trials]


THREE = [("rung-0", 119)] * 9 + [("rung-1", 359)] * 3 + [("rung-2", 1079)]


@pytest.mark.parametrize(
    ("objective", "space"),
    [
        (BAYES, SMOOTHING),
        (TrainSVM(DIGITS), C),
        (TrainNetwork(DIGITS, hidden=(5,), epochs=1, batch_size=200), Space(learning_rate=Float(0.1, 1.0))),
    ],
)
def test_a_rung_trains_on_a_part_and_the_last_on_all_rows(objective: Any, space: Space) -> None:
    """By hand: 1079 rows, a third of them, a ninth of them; a trial is what the objective gives on that sample by itself."""
    study = Study("rows", space, objective, ROWS, seed=3)
    trials = run(study).trials
    assert rungs(trials) == THREE
    assert all(t.continues is None and t.ok for t in trials)
    for trial in (trials[2], trials[9], trials[-1]):
        cut: dict[str, Any] = {"_cut": True} if isinstance(objective, TrainNetwork) else {}
        alone = replace(objective, data=DIGITS.sample(trial.budget, 3), **cut)
        random = np.random.default_rng(np.random.SeedSequence(3, spawn_key=(2, trial.number)))
        assert alone(study.space.resolve(trial.params), Context(random)).value == trial.value
        assert rerun(study, trial, trials).differences == ()


@pytest.mark.parametrize("objective", [Own(DIGITS), Plain(DIGITS)])
def test_an_objective_of_ones_own_that_is_a_dataclass_with_data(objective: Any) -> None:
    assert [t.value for t in run(Study("own", C, objective, ROWS)).trials] == [119 - 359] * 9 + [0.0] * 3 + [1079 - 359]


def test_an_objective_that_says_how_it_takes_a_part_of_its_rows() -> None:
    """By hand: ninths of 1000; a function may ask for a parameter of the space instead, which comes first."""
    trials = run(Study("own", C, Lines(1000), ROWS)).trials
    assert [t.value for t in trials] == [111.0] * 9 + [333.0] * 3 + [1000.0]
    named = run(Study("param", Space(rows=Int(10, 90)), lambda params: params["rows"], ROWS)).trials
    assert [(t.value, t.budget) for t in named] == [(10.0, None)] * 9 + [(30.0, None)] * 3 + [(90.0, None)]


def test_every_fold_gets_a_sample_of_its_training_rows_and_scores_whole_ones() -> None:
    """By hand: 1438 rows in 5 folds leave 1150 to train on; the folds that hold out one row less have one more."""
    whole = CrossValidate(BAYES)
    small = whole.on_rows(60, seed=1)
    assert [(len(d.train), len(d.validation)) for d in small.datasets()] == [(60, n) for n in (288, 288, 288, 287, 287)]
    for part, every in zip(small.datasets(), whole.datasets(), strict=True):
        assert {row.tobytes() for row in part.train.x} <= {row.tobytes() for row in every.train.x}
    assert whole.on_rows(1150, seed=1) is whole
    assert rungs(run(Study("cv", SMOOTHING, whole, ROWS)).trials) == [
        *[("rung-0", 127)] * 9, *[("rung-1", 383)] * 3, ("rung-2", 1150)
    ]  # fmt: skip


def test_hyperband_over_rows() -> None:
    """Li et al. (2018), S = 3 and eta = 3: 27, 12, 6 and 4 configurations; with 27ths, 9ths and thirds of 1079 rows."""
    batches = list(dict.fromkeys(rungs(run(Study("hb", SMOOTHING, BAYES, Hyperband(resource="rows"))).trials)))
    rows = [39, 119, 359, 1079]
    assert batches == [
        (f"bracket-{s} rung-{i}", rows[3 - s + i]) for s in (3, 2, 1, 0) for i in range(s + 1)
    ]  # fmt: skip
    few = Study("hb", SMOOTHING, BAYES, Hyperband(resource="rows", min_rows=300))
    assert set(rungs(run(few).trials)) == {("bracket-1 rung-0", 359), ("bracket-1 rung-1", 1079), ("bracket-0 rung-0", 1079)}


def test_the_same_trials_at_any_number_of_workers_after_a_kill_and_in_the_record(
    resume: Callable[[Study, Sequence[Trial]], Result], tmp_path: Path
) -> None:
    whole = run(STUDY).trials
    assert table(run(STUDY, jobs=2, backend="loky").trials) == table(whole)
    result = resume(STUDY, whole[:7])
    assert (result.taken_over, table(result.trials)) == (7, table(whole))
    again = run(STUDY, MlflowTracker(root=tmp_path), report=False)
    assert (again.taken_over, table(again.trials)) == (13, table(whole))
    assert set(again.test()) == {"test_accuracy", "test_error"}
    page = files(again)[REPORT].decode()
    assert "budget (rows)" in page
    assert "Rows requested" in page
    assert "epochs)" not in page
    assert "versions" not in STUDY.identity


def test_smoke_runs_two_trials() -> None:
    assert [trial.ok for trial in run(STUDY.smoke()).trials] == [True, True]


def test_small_parts_that_an_objective_cannot_use_are_refused_before_the_first_trial() -> None:
    ten = data.arrays(np.arange(26.0).reshape(13, 2), [0, 1] * 6 + [0], validation=3, test=0)
    short = "must be at least 30, got 10. A first rung of 10 rows or more would be all of them: take Random."
    for strategy in (ROWS, Hyperband(resource="rows")):
        with pytest.raises(SettingError, match=re.escape(short)):
            Study("ten", SMOOTHING, TuneEstimator(GaussianNB(), ten), strategy)


@pytest.mark.parametrize(
    ("objective", "strategy", "message"),
    [
        (BAYES, Halving(), "The resource of Halving over TuneEstimator must be 'rows', got 'epochs'. Take resource='rows'."),
        (TrainSVM(DIGITS), Hyperband(), "The resource of Hyperband over TrainSVM must be 'rows', got 'epochs'."),
        (CrossValidate(BAYES), Halving(), "The resource of Halving over CrossValidate must be 'rows', got 'epochs'."),
        (lambda p: 0.0, ROWS, "must be a parameter of the space, since it has neither epochs nor data, got 'rows'. Give the"),
        (lambda p, context: 0.0, ROWS, "must be 'epochs', got 'rows'. Take resource='epochs'. Or give the space a parameter"),
        (BAYES, Halving(trials=2, resource="rows"), "Halving trials must be at least factor=3, got 2."),
        (BAYES, Halving(max_epochs=9, resource="rows"), "Halving max_epochs must be left out with resource='rows', got 9."),
        (BAYES, Hyperband(min_epochs=3, resource="rows"), "Hyperband min_epochs must be left out with resource='rows', got 3."),
        (BAYES, Halving(min_rows=900, resource="rows"), "must be at least 2700, got 1079"),
    ],
)
def test_what_cannot_be_spent_is_refused_before_the_first_trial(objective: Any, strategy: Any, message: str) -> None:
    space = C if isinstance(objective, TrainSVM) else SMOOTHING
    with pytest.raises((StudyError, SettingError), match=re.escape(message)):
        Study("s", space, objective, strategy)


def test_a_search_of_rows_without_a_study_says_so() -> None:
    for strategy in (ROWS, Hyperband(resource="rows")):
        with pytest.raises(SettingError, match="must be run with an objective that holds data"):
            next(strategy.search(C, np.random.default_rng(0)))


def test_rows_are_not_counted_as_epochs() -> None:
    with pytest.raises(StudyError, match="The budget of contender 'rows' must be in epochs, got 'rows'"):
        compare(STUDY, replace(STUDY, name="all", strategy=Random(trials=4)), unit="epochs", tracker=MemoryTracker())


def test_a_sample_has_at_most_all_rows() -> None:
    with pytest.raises(DataError, match="Number of rows"):
        BAYES.on_rows(2000, seed=0)


def test_an_objective_that_ignores_its_budget_is_told() -> None:
    study = Study("deaf", C, lambda params, context: params["C"], Halving(trials=9, max_epochs=9))
    notes = run(study).notes
    assert len(notes) == 1
    assert notes[0].startswith("Trials with a larger budget came out as those that they continue, in every number")
    heeds = replace(study, objective=lambda params, context: params["C"] / context.budget)
    assert run(heeds).notes == []
