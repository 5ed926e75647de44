"""Scorers as values of trials; the expected numbers are those of scikit-learn's own scorers and cross_validate."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, get_scorer, log_loss, make_scorer
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.svm import SVC

from hpsearch import Choice, Float, Space, Study, data
from hpsearch.data import Dataset
from hpsearch.errors import InputError, SettingError, StudyError
from hpsearch.objectives import CrossValidate, TrainNetwork, TrainSVM, TuneEstimator
from hpsearch.objectives.fitted import LabelledClassifier, NetworkClassifier
from hpsearch.objectives.scoring import Scoring
from hpsearch.ports import Context, adapt_objective
from hpsearch.search.rerun import rerun
from hpsearch.search.result import Result
from hpsearch.strategies import Halving, Random
from hpsearch.testing import ObjectiveContract
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Params, Status

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
ANSWERS = np.where(X[:, 0] + RNG.normal(0, 0.7, 300) > 0.3, "yes", "no")
THREE = np.array(["c", "a", "b"])[(X[:, 0] > 0.5).astype(int) + (X[:, 1] > 0)]
TWO_CLASSES, CLASSES = data.arrays(X, ANSWERS), data.arrays(X, THREE)
NUMBERS = data.arrays(X, X @ [1.0, 2.0, 0.0, 0.5] + RNG.normal(size=300), regression=True)
C = Space(C=Float(0.01, 10.0, log=True))
F1_OF_YES = make_scorer(f1_score, pos_label="yes")


def context(seed: int = 0) -> Context:
    return Context(np.random.default_rng(seed))


def run(objective: Any, space: Space = C, trials: int = 3, **options: Any) -> Result:
    study = Study("scored", space, objective, Random(trials=trials), **options)
    return study.run(1, backend="sequential", tracker=MemoryTracker())


def labels(found: Dataset, part: str) -> np.ndarray:
    return np.array(found.class_names)[getattr(found, part).y]


def weird(estimator: Any, rows: Any, y: Any) -> Any:
    return "high"


def agreement(y_true: Any, y_pred: Any) -> float:
    return float(np.mean(y_true == y_pred))


def count_rows(estimator: Any, rows: Any, y: Any) -> float:
    return float(len(rows))


class TestScoredEstimator(ObjectiveContract):
    def make(self) -> TuneEstimator:
        return TuneEstimator(LogisticRegression(), CLASSES, scoring={"f1": "f1_macro", "auc": "roc_auc_ovr"}, decides="auc")

    def params(self) -> Params:
        return {"C": 0.5}


class TestScoredNetwork(ObjectiveContract):
    def make(self) -> TrainNetwork:
        return TrainNetwork(CLASSES, learning_rate=0.5, epochs=2, scoring="neg_log_loss")

    def params(self) -> Params:
        return {"l2": 0.5}


@pytest.mark.parametrize("name", ["f1_macro", "roc_auc_ovr", "neg_log_loss", "balanced_accuracy", "matthews_corrcoef"])
def test_the_value_is_the_score_of_scikit_learns_scorer_on_the_users_labels(name: str) -> None:
    outcome = TuneEstimator(LogisticRegression(), CLASSES, scoring=name)({"C": 0.5}, context())
    fitted = LogisticRegression(C=0.5).fit(CLASSES.train.x, labels(CLASSES, "train"))
    expected = get_scorer(name)(fitted, CLASSES.validation.x, labels(CLASSES, "validation"))
    assert outcome.value == pytest.approx(expected, rel=1e-12)
    assert outcome.metrics[f"validation_{name}"] == outcome.value


def test_several_scorers_are_recorded_and_one_decides() -> None:
    scoring = {"f1": F1_OF_YES, "auc": "roc_auc"}
    first, second = (
        TuneEstimator(LogisticRegression(), TWO_CLASSES, scoring=scoring, decides=decides)({}, context())
        for decides in (None, "auc")
    )
    fitted = LogisticRegression().fit(TWO_CLASSES.train.x, labels(TWO_CLASSES, "train"))
    truth = labels(TWO_CLASSES, "validation")
    f1 = f1_score(truth, fitted.predict(TWO_CLASSES.validation.x), pos_label="yes")
    assert (first.value, first.metrics["validation_f1"]) == (f1, f1)
    assert second.value == second.metrics["validation_auc"] == first.metrics["validation_auc"]


def test_larger_scores_are_better_and_people_see_them_as_they_are() -> None:
    result = run(TuneEstimator(LogisticRegression(), CLASSES, scoring="f1_macro"))
    best = max(result.trials, key=lambda trial: trial.outcome.metrics["validation_f1_macro"] if trial.outcome else math.nan)
    assert result.best.number == best.number
    assert result.value(result.best) == best.outcome.metrics["validation_f1_macro"]  # type: ignore[union-attr]
    assert result.table()[best.number]["value"] > 0
    assert (result.record.maximize, result.record.identity["direction"]) == (True, "maximize")
    assert result.record.measure == "validation f1_macro"


def test_negated_scorers_keep_their_sign() -> None:
    result = run(TuneEstimator(LogisticRegression(), CLASSES, scoring="neg_log_loss"))
    assert result.value(result.best) == max(result.value(trial) for trial in result.trials) < 0


def test_the_seconds_of_the_fit_may_decide_and_no_trial_repeats_them() -> None:
    result = run(TuneEstimator(LogisticRegression(), CLASSES, scoring={"f1": "f1_macro", "time": "seconds"}, decides="time"))
    assert not result.record.maximize
    assert result.record.measure == "fit seconds"
    assert result.record.facts["not_repeatable"] == "fit_seconds, value: seconds by the clock"
    trial = result.best
    assert trial.outcome is not None
    assert trial.value == trial.outcome.metrics["fit_seconds"] > 0
    assert rerun(result.study, trial, result.trials).differences == ()


def test_a_study_without_seconds_says_nothing_of_them() -> None:
    assert "not_repeatable" not in run(TuneEstimator(LogisticRegression(), CLASSES, scoring="f1_macro"), trials=1).record.facts


@pytest.mark.parametrize("name", ["f1_macro", "roc_auc_ovr"])
def test_folds_are_scored_as_by_cross_validate(name: str) -> None:
    outcome = CrossValidate(TuneEstimator(LogisticRegression(), CLASSES), folds=5, seed=3, scoring=name)({"C": 0.5}, context())
    rows = np.concatenate([CLASSES.train.x, CLASSES.validation.x])
    y = np.concatenate([labels(CLASSES, "train"), labels(CLASSES, "validation")])
    # The folds are those of the class indices, which are in the order of the labels.
    folds = StratifiedKFold(5, shuffle=True, random_state=3)
    scores = cross_validate(LogisticRegression(C=0.5), rows, y, cv=folds, scoring=name)["test_score"]
    assert [outcome.metrics[f"fold_{fold}"] for fold in range(1, 6)] == pytest.approx(scores.tolist(), rel=1e-12)
    assert outcome.value == outcome.metrics[f"validation_{name}"] == pytest.approx(scores.mean(), rel=1e-12)
    assert outcome.metrics["standard_error"] == pytest.approx(scores.std(ddof=1) / math.sqrt(5), rel=1e-9)


def test_scoring_of_the_folds_is_that_of_the_objective() -> None:
    inner = TuneEstimator(SVC(), CLASSES, scoring="f1_macro")
    assert repr(CrossValidate(TuneEstimator(SVC(), CLASSES), scoring="f1_macro")) == repr(CrossValidate(inner))


@pytest.mark.parametrize("cost", ["cross_entropy", "log_likelihood"])
def test_a_network_is_scored_by_its_labels_and_probabilities(cost: str) -> None:
    scoring = {"loss": "neg_log_loss", "f1": "f1_macro"}
    objective = TrainNetwork(CLASSES, learning_rate=0.5, epochs=3, cost=cost, scoring=scoring)
    outcome = objective({}, context())
    network = objective.network({}, context())
    outputs = network.forward(CLASSES.validation.x).astype(np.float64)
    shares = outputs / outputs.sum(axis=1, keepdims=True)
    assert outcome.value == pytest.approx(-log_loss(CLASSES.validation.y, shares), rel=1e-6)  # its rows are float32
    predicted = np.array(CLASSES.class_names)[network.predict(CLASSES.validation.x)]
    f1 = f1_score(labels(CLASSES, "validation"), predicted, average="macro")
    assert outcome.metrics["best_validation_f1"] == pytest.approx(f1, rel=1e-12)


def test_scorers_get_the_weights_of_the_validation_rows() -> None:
    weights = RNG.random(300) + 0.1
    weighted = data.arrays(X, THREE, sample_weight=weights)
    assert weighted.validation.weights is not None
    scoring = {"f1": "f1_macro", "agreement": make_scorer(agreement), "rows": count_rows}
    objective = TrainNetwork(data.arrays(X, THREE), learning_rate=0.5, epochs=2, scoring="f1_macro")
    network = objective.network({}, context())
    fitted = NetworkClassifier(network)
    scores = Scoring.read(scoring).scores(fitted, weighted.validation, weighted.validation.y, 0.0)
    predicted = fitted.predict(weighted.validation.x)
    part = weighted.validation
    assert scores["f1"] == pytest.approx(f1_score(part.y, predicted, average="macro", sample_weight=part.weights))
    # Those that take no weights get none.
    assert scores["agreement"] == np.mean(part.y == predicted)
    assert scores["rows"] == len(part)


def test_which_epoch_is_kept_stays_as_it_is() -> None:
    plain, scored = (TrainNetwork(CLASSES, learning_rate=0.5, epochs=5, scoring=s)({}, context()) for s in (None, "f1_macro"))
    assert plain.history == scored.history
    assert plain.metrics == {name: value for name, value in scored.metrics.items() if "f1" not in name}


def test_a_network_of_numbers_is_scored_in_the_users_units() -> None:
    objective = TrainNetwork(NUMBERS, learning_rate=0.1, epochs=5, scoring="neg_mean_absolute_error")
    outcome = objective({}, context())
    predicted = objective.network({}, context()).predict(NUMBERS.validation.x)
    assert outcome.value == pytest.approx(-np.mean(np.abs(NUMBERS.validation.y - predicted)), rel=1e-6)


def test_a_network_on_a_table_is_scored_by_the_labels_of_the_table() -> None:
    towns = np.array(["Bath", "Bonn"])[(X[:, 2] > 0).astype(int)]
    table = data.table(pd.DataFrame({"size": X[:, 0] * 100, "town": towns, "answer": ANSWERS}), target="answer")
    objective = TrainNetwork(table, learning_rate=0.5, epochs=2, scoring=F1_OF_YES, standardize=True)
    found = objective.predictions({}, context())
    names = np.array(found.classes)
    expected = f1_score(names[found.truth], names[found.predicted], pos_label="yes")
    assert objective({}, context()).value == pytest.approx(expected, rel=1e-12)


def test_the_seconds_of_folds_are_marked_too() -> None:
    objective = CrossValidate(TuneEstimator(LogisticRegression(), CLASSES), folds=3, scoring="seconds")
    assert set(objective.timed) == {"fit_seconds", "value", "standard_error", "fold_1", "fold_2", "fold_3"}
    result = run(objective, trials=1)
    assert rerun(result.study, result.best, result.trials).differences == ()


def test_probabilities_of_a_network_sum_to_one_even_where_all_outputs_are_zero() -> None:
    class Silent:
        sizes, cost_name = (4, 3), "cross_entropy"

        def forward(self, x: np.ndarray) -> np.ndarray:
            return np.zeros((len(x), 3), np.float32)

    shares = NetworkClassifier(Silent()).predict_proba(X[:2])  # type: ignore[arg-type]
    assert shares == pytest.approx(np.full((2, 3), 1 / 3))


@pytest.mark.parametrize("names", [["no", "yes"], ["yes", "no"]])
def test_labels_in_any_order_are_scored_alike(names: list[str]) -> None:
    """scikit-learn expects probabilities in the order of the sorted labels."""
    y = np.array(names)[TWO_CLASSES.train.y]
    expected = LogisticRegression().fit(TWO_CLASSES.train.x, y)
    found = LabelledClassifier(LogisticRegression().fit(TWO_CLASSES.train.x, TWO_CLASSES.train.y), np.array(names))
    assert found.classes_.tolist() == ["no", "yes"]
    for scorer in (get_scorer("roc_auc"), get_scorer("neg_log_loss"), get_scorer("accuracy"), F1_OF_YES):
        assert scorer(found, X, ANSWERS) == pytest.approx(scorer(expected, X, ANSWERS), rel=1e-6)


@pytest.mark.parametrize("name", ["f1_macro", "roc_auc_ovr", "neg_log_loss"])
def test_the_trivial_answer_is_scikit_learns_dummy(name: str) -> None:
    dummy = DummyClassifier(strategy="prior").fit(X[:1].repeat(len(CLASSES.train), 0), labels(CLASSES, "train"))
    expected = get_scorer(name)(dummy, CLASSES.validation.x, labels(CLASSES, "validation"))
    for objective in (TuneEstimator(LogisticRegression(), CLASSES, scoring=name), TrainNetwork(CLASSES, scoring=name)):
        baseline = objective.baseline
        assert baseline is not None
        assert baseline.value == pytest.approx(expected, rel=1e-12)


def test_the_trivial_answer_to_numbers_is_the_better_dummy() -> None:
    baseline = TuneEstimator(Ridge(), NUMBERS, scoring="neg_mean_absolute_error").baseline
    x, y = NUMBERS.validation.x, NUMBERS.validation.y
    scorer, kinds = get_scorer("neg_mean_absolute_error"), ("mean", "median")
    best = max(scorer(DummyRegressor(strategy=kind).fit(NUMBERS.train.x, NUMBERS.train.y), x, y) for kind in kinds)
    assert baseline is not None
    assert baseline.value == pytest.approx(best, rel=1e-12)


def test_the_test_part_is_scored_with_the_scoring() -> None:
    result = run(TuneEstimator(LogisticRegression(), CLASSES, scoring="f1_macro"))
    assert set(result.test()) == {"test_accuracy", "test_f1_macro"}


def test_halving_promotes_what_scores_more() -> None:
    objective = TrainNetwork(CLASSES, learning_rate=0.3, epochs=4, scoring="f1_macro")
    rungs = Halving(trials=4, min_epochs=1, max_epochs=4, factor=2)
    study = Study("rungs", Space(hidden=Choice(1, 2, 8, 16)), objective, rungs)
    trials = study.run(1, backend="sequential", tracker=MemoryTracker()).trials
    first = [trial for trial in trials if trial.budget == 1]
    promoted = {trial.params["hidden"] for trial in trials if trial.budget == 2}
    best = sorted(first, key=lambda trial: -trial.outcome.metrics["best_validation_f1_macro"])[:2]  # type: ignore[union-attr]
    assert promoted == {trial.params["hidden"] for trial in best}


def test_scoring_is_part_of_the_repr_only_where_it_is_given() -> None:
    assert "scoring" not in repr(TuneEstimator(SVC(), CLASSES)) + repr(TrainNetwork(CLASSES)) + repr(
        CrossValidate(TrainSVM(CLASSES))
    )
    assert repr(TuneEstimator(SVC(), CLASSES, scoring="f1_macro")).endswith(", scoring='f1_macro')")
    assert repr(TrainNetwork(CLASSES, scoring="f1_macro")).endswith(", scoring='f1_macro')")


def test_a_function_of_the_users_own_counts_by_its_code_and_not_by_its_address() -> None:
    identity = Study("own", C, TuneEstimator(SVC(), CLASSES, scoring=weird), Random(trials=1)).identity["objective"]
    assert "scoring=weird" in identity
    assert " at 0x" not in identity
    assert "content" in identity


def test_a_scoring_survives_pickling_and_replacement() -> None:
    scoring = Scoring.read({"f1": F1_OF_YES, "auc": "roc_auc"}, "auc")
    assert pickle.loads(pickle.dumps(scoring)) == scoring == Scoring.read(scoring)


def test_a_direction_that_contradicts_the_objective_is_refused() -> None:
    with pytest.raises(StudyError, match="maximize must be False for a validation error, got True"):
        Study("s", C, TuneEstimator(SVC(), CLASSES), Random(trials=1), maximize=True)


def test_a_users_own_objective_may_declare_its_direction() -> None:
    class Own:
        greater_is_better = True

        def __call__(self, params: Params) -> float:
            return float(params["C"])

    assert adapt_objective(Own()).greater_is_better
    result = run(Own())
    assert result.value(result.best) == max(trial.params["C"] for trial in result.trials)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: TuneEstimator(SVC(), CLASSES, scoring="f1_makro"), "Did you mean 'f1_macro'?"),
        (lambda: TrainNetwork(CLASSES, scoring="roc"), "scoring must be the name of a .* or 'seconds', got 'roc'"),
        (lambda: TuneEstimator(SVC(), CLASSES, scoring="neg_log_loss"), "must be one with predict_proba, got 'SVC\\(\\)'"),
        (lambda: TrainNetwork(NUMBERS, scoring="neg_log_loss"), "network that predicts numbers'. Take a scorer of numbers"),
        (lambda: TuneEstimator(Ridge(), NUMBERS, scoring="accuracy").baseline, "one for such targets"),
        (lambda: TuneEstimator(SVC(), CLASSES, scoring=f1_score), "Write make_scorer\\(f1_score\\)"),
        (lambda: TuneEstimator(SVC(), CLASSES, scoring={}), "scoring must be one scorer or more, got {}"),
        (lambda: TuneEstimator(SVC(), CLASSES, scoring=3), "scoring must be a name, a scorer or a dict of these, got 3"),
        (lambda: TuneEstimator(SVC(), CLASSES, scoring={"f 1": "f1_macro"}), "A name in scoring must be letters"),
        (lambda: TuneEstimator(SVC(), CLASSES, scoring={"f1": "f1_macro"}, decides="f2"), "decides must be one of 'f1'"),
        (lambda: TuneEstimator(SVC(), CLASSES, decides="f1"), "decides must be left out without scoring"),
        (lambda: TuneEstimator(SVC(), CLASSES, value="balanced_error", scoring="f1_macro"), "value must be left out"),
        (lambda: CrossValidate(TrainSVM(CLASSES), scoring="f1_macro"), "must be TuneEstimator or TrainNetwork, got 'TrainSVM'"),
        (lambda: CrossValidate(TuneEstimator(SVC(), CLASSES, scoring="f1_macro"), scoring="r2"), "scoring must be given once"),
        (lambda: run(TuneEstimator(SVC(), CLASSES, scoring="f1")), "scoring 'f1' must be one for such targets"),
        (lambda: run(TuneEstimator(SVC(), TWO_CLASSES, scoring="f1")), "make_scorer\\(f1_score, pos_label='yes'\\)"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_before_the_first_trial(make: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make()


def test_a_param_that_takes_probabilities_away_is_refused() -> None:
    pipeline = CrossValidate(TuneEstimator(LogisticRegression(), CLASSES, scoring="neg_log_loss"))
    pipeline.check({"C": 1.0})
    from sklearn.pipeline import make_pipeline

    objective = TuneEstimator(make_pipeline(LogisticRegression()), CLASSES, scoring="neg_log_loss")
    with pytest.raises(SettingError, match="must be one with predict_proba"):
        objective.check({"logisticregression": SVC()})


def nan(estimator: Any, rows: Any, y: Any) -> float:
    return math.nan


def broken(estimator: Any, rows: Any, y: Any) -> float:
    raise KeyError("rows")


@pytest.mark.parametrize(
    ("scorer", "reason"),
    [
        (nan, "The score of scoring 'nan' must be a finite number, got nan"),
        (weird, "What scoring 'weird' returns must be a number, got 'high'"),
        (broken, "scoring 'broken' raised KeyError: 'rows'"),
    ],
)
def test_a_scorer_that_fails_fails_its_trial_with_a_reason(scorer: Any, reason: str) -> None:
    trials = run(TuneEstimator(LogisticRegression(), CLASSES, scoring=scorer), trials=2).trials
    assert [trial.status for trial in trials] == [Status.FAILED] * 2
    assert reason in str(trials[0].error)


def test_nan_of_a_scorer_that_does_not_decide_is_recorded() -> None:
    outcome = TuneEstimator(LogisticRegression(), CLASSES, scoring={"f1": "f1_macro", "none": nan})({}, context())
    assert math.isnan(outcome.metrics["validation_none"])
