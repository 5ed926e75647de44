"""The document's experiments: each in a small version from end to end, its study file, and figures on MNIST."""

from __future__ import annotations

import ast
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partialmethod
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from hpsearch import Study, data
from hpsearch.cli.loading import load_study
from hpsearch.data import Dataset
from hpsearch.ports import Context
from hpsearch.reproductions.catalogue import EXPERIMENTS, find_reproduction
from hpsearch.reproductions.documents import max_norm, max_norm_long, pixels_and_features, transfer, vanishing_gradient
from hpsearch.reproductions.documents.chance_level import CHANCE_LEVEL, ONLY
from hpsearch.reproductions.documents.cost_functions import COST_FUNCTIONS, CROSS_30, CROSS_100, QUADRATIC_30, QUADRATIC_100
from hpsearch.reproductions.documents.degree_nine import DEGREE_NINE
from hpsearch.reproductions.documents.different_models import DIFFERENT_MODELS, CompareEnsembles, vote
from hpsearch.reproductions.documents.ladder import LADDER
from hpsearch.reproductions.documents.max_norm import MAX_NORM
from hpsearch.reproductions.documents.max_norm_long import MAX_NORM_LONG
from hpsearch.reproductions.documents.one_neuron import BAD, CROSS_BAD, ONE_NEURON
from hpsearch.reproductions.documents.overfitting import OVERFITTING
from hpsearch.reproductions.documents.pixels_and_features import PIXELS_AND_FEATURES, CompareFeatures, patches
from hpsearch.reproductions.documents.random_weights import RANDOM_WEIGHTS
from hpsearch.reproductions.documents.stuck import STUCK
from hpsearch.reproductions.documents.transfer import TRANSFER
from hpsearch.reproductions.documents.vanishing_gradient import VANISHING_GRADIENT, speed_of_learning
from hpsearch.reproductions.experiment import Experiment, network
from hpsearch.reproductions.judging.bootstrap import BOOTSTRAP_SHARE
from hpsearch.reproductions.judging.cross_validation import CROSS_VALIDATION
from hpsearch.reproductions.judging.validation_set import VALIDATION_SET
from hpsearch.reproductions.reproduction import NOT_JUDGED, Options
from hpsearch.reproductions.views import Along
from hpsearch.tracking.memory import MemoryTracker
from hpsearch.trial import Outcome, Status, Trial

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "studies" / "documents").glob("*.py"))
mnist = pytest.mark.skipif("HPSEARCH_DATA_HOME" not in os.environ, reason="MNIST is not here: HPSEARCH_DATA_HOME is not set")


WITHOUT_EPOCHS = (
    ONE_NEURON,
    DEGREE_NINE,
    VALIDATION_SET,
    CROSS_VALIDATION,
    BOOTSTRAP_SHARE,
    DIFFERENT_MODELS,
    PIXELS_AND_FEATURES,
    RANDOM_WEIGHTS,
    TRANSFER,
)
NEEDS_SKIMAGE = pytest.mark.skipif(find_spec("skimage") is None, reason="scikit-image is not installed (hpsearch[images])")
RUNNABLE = [pytest.param(one, id=one.name, marks=[NEEDS_SKIMAGE] if one is PIXELS_AND_FEATURES else []) for one in EXPERIMENTS]


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run trials in this process, and less of them; the smoke runs have processes of their own."""
    monkeypatch.setattr(Study, "run", partialmethod(Study.run, backend="sequential"))
    monkeypatch.setattr(transfer, "SEEN", 1000)
    monkeypatch.setattr(pixels_and_features, "_STRENGTHS", (1.0,))


def few() -> Dataset:
    return data.digits().head(150, 100)


def many() -> Dataset:
    """Return as many rows as any experiment asks for."""
    digits = data.digits()
    return replace(digits, train=digits.train.take(np.resize(np.arange(len(digits.train)), 5000)))


def small(experiment: Experiment) -> Experiment:
    """Return the experiment with settings that 150 digits can be trained by, in a moment."""
    if experiment is CHANCE_LEVEL:  # lambda / n is what matters, and n is smaller
        return replace(experiment, settings={ONLY: {"learning_rate": 10.0, "l2": 3.0}})
    if experiment is OVERFITTING:
        watched = network(test=True, training=True, train_size=100, learning_rate=0.5, epochs=120, init="large")
        return replace(experiment, objective=watched)
    if experiment is MAX_NORM:
        return replace(experiment, objective=lambda load: max_norm.objective(load, hidden=20, epochs=10))
    if experiment is MAX_NORM_LONG:
        return replace(experiment, objective=lambda load: max_norm_long.objective(load, hidden=(8, 8), epochs=20))
    if experiment in (PIXELS_AND_FEATURES, RANDOM_WEIGHTS, TRANSFER):
        return replace(experiment, objective=lambda load: experiment.smoke().objective(load))
    if experiment is VANISHING_GRADIENT:
        return replace(experiment, objective=lambda load: speed_of_learning(load, epochs=20))
    if experiment in (STUCK, VALIDATION_SET, CROSS_VALIDATION):
        return replace(experiment, objective=lambda load: experiment.smoke().objective(many))
    return experiment


def options(tracker: MemoryTracker, said: list[str]) -> Options:
    return Options(lambda: tracker, jobs=1, trials=3, say=said.append)


@pytest.mark.usefixtures("_short")
@pytest.mark.parametrize("experiment", RUNNABLE)
def test_it_runs_and_goes_on_where_it_ended(experiment: Experiment) -> None:
    tracker, said = MemoryTracker(), list[str]()
    tiny = small(experiment)
    found = tiny.run(options(tracker, said), few)
    assert [row.what for row in found.rows] == list(dict.fromkeys(figure.what for figure in experiment.figures))
    assert not any(row.verdict.startswith("too few") for row in found.rows)
    seeds = min(experiment.seeds, 3)
    (name,) = tracker.studies
    kept = tracker.studies[name]
    assert len(kept.trials) == seeds * len(experiment.settings)
    assert found.conclusions[-1].startswith(f"{len(kept.trials)} trials, ")
    (picture,) = found.files.values()
    assert picture.startswith(b"\x89PNG")
    assert set(kept.files) == set(found.files) == {f"plots/{experiment.name}.png"}
    before = dict(kept.trials)
    again = tiny.run(options(tracker, said), few)
    assert again.rows == found.rows
    assert all(kept.trials[n] is trial for n, trial in before.items())


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: one.name)
def test_it_is_listed_and_its_figures_belong_to_its_settings(experiment: Experiment) -> None:
    assert find_reproduction(experiment.name).claim == experiment.claim
    used = {getattr(figure, "setting", None) for figure in experiment.figures}
    assert used <= set(experiment.settings)
    for view in experiment.views:
        known = set(view.curves) if isinstance(view, Along) else set(experiment.settings)
        assert set(getattr(view, "published", {})) <= known


@pytest.mark.parametrize("experiment", RUNNABLE)
def test_a_smoke_run_has_a_record_of_its_own_and_judges_nothing(experiment: Experiment) -> None:
    tracker = MemoryTracker()
    found = experiment.run(Options(lambda: tracker, jobs=1, smoke=True, say=lambda _: None), many)
    assert {row.verdict for row in found.rows} == {NOT_JUDGED}
    (sentence,) = found.conclusions
    assert "say nothing about the published figures" in sentence
    (name,) = tracker.studies
    assert name == f"{experiment.name}-smoke"
    seeds = min(experiment.seeds, 3)
    assert len(tracker.studies[name].trials) == seeds * len(experiment.settings)
    steps = {curve[-1][0] for t in tracker.studies[name].trials.values() if t.outcome for curve in t.outcome.history.values()}
    assert experiment in WITHOUT_EPOCHS or max(steps) <= 2


def test_options_decide_the_seeds_and_each_number_has_a_record_of_its_own() -> None:
    usual, few_seeds = OVERFITTING.study(load=data.digits), OVERFITTING.study(3, load=data.digits)
    assert (usual.replicates, usual.name, few_seeds.replicates, few_seeds.name) == (10, "overfitting", 3, "overfitting-3")


def of_one_neuron(weight: float, cost: str, rate: float) -> Sequence[float]:
    """Return the outputs by the rules printed in the document: dC/dw = a sigma'(z) for the quadratic cost, a for the other."""
    bias, outputs = weight, []
    for _ in range(301):
        a = 1 / (1 + math.exp(-weight - bias))
        outputs.append(a)
        slope = a * a * (1 - a) if cost == "quadratic" else a
        weight, bias = weight - rate * slope, bias - rate * slope
    return outputs


def test_the_neuron_learns_by_the_printed_rules() -> None:
    trials = ONE_NEURON.study().run(jobs=1, backend="sequential", tracker=MemoryTracker()).trials
    by_setting = dict(zip(ONE_NEURON.settings, trials, strict=True))
    for name, cost, rate in ((BAD, "quadratic", 0.15), (CROSS_BAD, "cross_entropy", 0.005)):
        outcome = by_setting[name].outcome
        assert outcome is not None
        wanted = of_one_neuron(2.0, cost, rate)
        assert outcome.metrics["last_output"] == pytest.approx(wanted[-1], abs=1e-12)
        assert dict(outcome.history["output"])[152] == pytest.approx(wanted[152], abs=1e-12)


def test_the_speed_of_a_layer_is_its_gradient_by_the_biases() -> None:
    """By two-sided differences of the mean cost, before training; the factor is the geometric mean of 2 and 8, by hand."""
    objective, hidden = speed_of_learning(few, epochs=1), {"hidden": (4, 3)}
    found = objective(hidden, Context(np.random.default_rng(0))).history
    training = objective.train.plan(hidden).start(np.random.default_rng(0))
    for layer in (0, 1):
        bias, slopes = training.network.biases[layer], []
        for unit in range(len(bias)):
            costs = []
            for step in (1e-6, -2e-6):
                bias[unit] += step
                costs.append(training.network.mean_cost(*training.training_rows[:2]))
            bias[unit] += 1e-6
            slopes.append((costs[0] - costs[1]) / 2e-6)
        assert found[f"speed_{layer + 1}"][0] == (0, pytest.approx(float(np.linalg.norm(slopes)), rel=1e-5))
    metrics = vanishing_gradient._metrics([[1.0, 2.0, 16.0], [3.0, 2.0, 4.0], [1.0, 5.0, 4.0], [1.0, 2.0, 3.0]])
    assert (metrics["factor"], metrics["slowest_share"], metrics["behind_share"]) == (4.0, 0.75, 0.5)


def test_every_experiment_has_a_study_file() -> None:
    assert [file.stem for file in FILES] == sorted(one.name.replace("-", "_") for one in EXPERIMENTS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_study_file_asks_the_question_and_is_listed(file: Path) -> None:
    experiment = next(one for one in EXPERIMENTS if one.name == file.stem.replace("_", "-"))
    assert (ast.get_docstring(ast.parse(file.read_text())) or "").split("\n")[0] == experiment.question
    page = (ROOT / "studies" / "README.md").read_text()
    assert f"`documents/{file.name}`" in page
    assert f"pictures/{experiment.name}.png" in page
    assert f"documents/{experiment.name}.md" in page
    own = (ROOT / "studies" / "documents" / f"{experiment.name}.md").read_text()
    assert own.startswith(f"# `{experiment.name}`: {experiment.question}\n")
    assert experiment.claim in own


@mnist
@pytest.mark.parametrize(
    "file", [pytest.param(f, id=f.stem, marks=[NEEDS_SKIMAGE] if f.stem == "pixels_and_features" else []) for f in FILES]
)
def test_a_study_file_offers_the_study_that_is_reproduced(file: Path) -> None:
    """The same record, so that `hpsearch run` and `hpsearch reproduce` take each other's trials over."""
    experiment = next(one for one in EXPERIMENTS if one.name == file.stem.replace("_", "-"))
    study, known = load_study(file), experiment.study()
    assert (study.name, study.record().identity) == (known.name, known.record().identity)
    smoke = study.smoke().run(jobs=1, backend="sequential", tracker=MemoryTracker())
    # lambda is shared out over the training set: 1000 over the 500 images of a check is far beyond what any rate bears.
    ended = Status.DIVERGED if experiment is CHANCE_LEVEL else Status.FINISHED
    assert [trial.status for trial in smoke.trials] == [ended] * min(2, len(experiment.settings))


@mnist
@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["overfitting", "l2-all-images"])
def test_published_figures_on_mnist(name: str) -> None:
    """Every published seed where one more of ours would lie, in 95 % of all cases."""
    experiment = next(one for one in EXPERIMENTS if one.name == name)
    found = experiment.run(Options(MemoryTracker, jobs=2, say=lambda _: None))
    assert [row for row in found.rows if row.verdict.startswith("differs")] == []


def test_trainings_that_are_stuck_are_named() -> None:
    """The published pair of costs has a seed each; the quadratic one has seeds that never name a digit."""
    accuracies = {CROSS_30: (95.0, 96.0), QUADRATIC_30: (95.0, 86.9), CROSS_100: (97.0, 97.0), QUADRATIC_100: (87.0, 86.0)}
    found = {
        name: [Trial(0, {}, "all", Status.FINISHED, Outcome(0.0, {"best_accuracy": value / 100})) for value in values]
        for name, values in accuracies.items()
    }
    said = COST_FUNCTIONS.conclude(found)
    assert len(said) == 2
    assert "quadratic, 30 hidden: 1 of 2 seeds stay below 90 %" in said[0]
    assert said[0].endswith("the others reach 95.00 to 95.00 %.")
    assert "quadratic, 100 hidden: 2 of 2 seeds stay below 90 %" in said[1]
    assert "the others" not in said[1]


@mnist
def test_the_ladder_names_the_first_class_once_it_diverges() -> None:
    """10 of the first 100 validation images are zeros: the document prints 10 for every epoch of that setting."""
    tracker = MemoryTracker()
    found = LADDER.run(options(tracker, []))
    (kept,) = tracker.studies.values()
    diverging = [t for t in kept.trials.values() if t.params == {"learning_rate": 10.0, "l2": 1000.0} and t.outcome is not None]
    assert {t.outcome.history["validation_accuracy"][-1] for t in diverging} == {(4, 0.1)}
    assert {t.outcome.metrics["finite_epochs"] for t in diverging} == {3.0}
    assert found.conclusions[1].startswith("3 of 3 trainings with rate 10, lambda 1000 diverge, after 3 epochs")
    assert found.rows[4].verdict.endswith("better")


def test_votes_are_counted_and_the_mean_decides_between_equal_numbers() -> None:
    """Row 0: two of three say 1, though the mean says 0. Row 1: one vote each, and the highest mean is that of 2."""
    shares = [
        np.array([[0.98, 0.01, 0.01], [0.5, 0.3, 0.2]]),
        np.array([[0.4, 0.6, 0.0], [0.2, 0.5, 0.3]]),
        np.array([[0.4, 0.6, 0.0], [0.0, 0.1, 0.9]]),
    ]
    assert vote(shares).tolist() == [1, 2]


def test_the_best_single_model_is_chosen_by_other_rows_than_judge() -> None:
    rows = data.digits().head(200, 200)
    found = CompareEnsembles(rows)({"size": 100}, Context(np.random.default_rng(0))).metrics
    singles = [found[f"{name}_accuracy"] for name in ("wide", "deep", "svm", "forest", "nearest")]
    assert found["chosen_accuracy"] in singles
    assert found["mean_gain"] == pytest.approx(100 * (found["mean_accuracy"] - found["chosen_accuracy"]))
    assert found["member_gain"] == pytest.approx(100 * (found["mean_accuracy"] - np.mean(singles)))
    swapped = replace(rows, validation=rows.validation.take(np.r_[100:200, 0:100]))
    other = CompareEnsembles(swapped)({"size": 100}, Context(np.random.default_rng(0))).metrics
    assert other["mean_accuracy"] != found["mean_accuracy"]


def test_patches_are_those_of_the_two_pictures() -> None:
    """26 rows of 40 patches a picture; the first one of the flower is the top left corner."""
    from sklearn.datasets import load_sample_images

    made = patches()
    assert (len(made.train), len(made.validation), made.features, made.class_names) == (1080, 1000, 768, ("flower", "temple"))
    temple, flower = load_sample_images().images
    for name, picture in (("flower", flower), ("temple", temple)):
        corner = np.float32(picture[:16, :16].reshape(-1)) / np.float32(255)
        held = [part.x[part.y == made.class_names.index(name)] for part in (made.train, made.validation)]
        assert sum(int((rows == corner).all(axis=1).sum()) for rows in held) == 1


@NEEDS_SKIMAGE
def test_features_are_compared_on_the_same_rows() -> None:
    compare = CompareFeatures(data.digits().head(200, 100), patches()).shrunk()
    outcome = compare({"images": "patches of two pictures"}, Context(np.random.default_rng(0)))
    last = {name: curve[-1][1] for name, curve in outcome.history.items()}
    assert set(last) == {"pixels", "histogram", "gradients", "both"}
    assert outcome.metrics["histogram_1000"] == pytest.approx(last["histogram"] - last["pixels"])
    assert outcome.value == pytest.approx(1 - last["both"] / 100)
