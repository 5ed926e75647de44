"""The parts of the experiments on transfer and on random weights, each by hand or by scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from hpsearch import data
from hpsearch.data import Dataset, Part
from hpsearch.ports import Context
from hpsearch.reproductions.documents import random_weights, transfer
from hpsearch.reproductions.documents.random_weights import LOCAL, RANDOM, SLOPE, FindWeights
from hpsearch.reproductions.documents.transfer import BOTH, DIFFERENT, LOGISTIC, METHODS, PIXELS, SIMILAR, InCell, use_network
from hpsearch.trial import Outcome, Status, Trial

DIGITS = data.digits().at_most(400, 200)


def context(seed: int = 0) -> Context:
    return Context(np.random.default_rng(seed))


def test_images_are_cut_to_means_of_four_by_four_pixels() -> None:
    image = np.zeros((1, 28, 28), np.float32)
    image[0, 2:6, 6:10] = 1.0  # with a margin of two: the second block down, the third across
    image[0, 0, 0] = 1.0  # one pixel of sixteen
    part = Part(image.reshape(1, -1), np.zeros(1, np.int64))
    found = transfer.in_blocks(Dataset("one", part, part, classes=2)).train.x.reshape(8, 8)
    assert found[1, 2] == 1.0
    assert found[0, 0] == pytest.approx(1 / 16)
    assert np.count_nonzero(found) == 2


def test_every_method_sees_the_same_rows_and_more_of_them_hold_the_fewer() -> None:
    order = [transfer._by_class(DIGITS.train, np.random.default_rng(seed)) for seed in (1, 1)]
    few, more = (transfer._rows(DIGITS.train, order[i], size) for i, size in enumerate((3, 10)))
    assert np.bincount(few.y).tolist() == [3] * 10
    assert {row.tobytes() for row in few.x} <= {row.tobytes() for row in more.x}


@pytest.mark.parametrize("method", [LOGISTIC, BOTH, PIXELS])
def test_classifiers_are_scikit_learns_on_what_the_network_makes_of_the_rows(method: str) -> None:
    objective = use_network(lambda: DIGITS_WITH_TEST).shrunk()
    outcome = objective({"task": SIMILAR, "method": method}, context(3))
    _, old, new = objective.tasks[0]
    order = transfer._by_class(new.train, np.random.default_rng(3))
    rows, source, test = transfer._rows(new.train, order, 10), transfer._source(old), new.validation
    hidden = [np.maximum(0, x @ source.weights[0].T + source.biases[0]) for x in (rows.x, test.x)]
    given = {
        LOGISTIC: hidden,
        PIXELS: [rows.x, test.x],
        BOTH: [np.hstack([a, h]) for a, h in zip((rows.x, test.x), hidden, strict=True)],
    }
    fitted = LogisticRegression(max_iter=1000).fit(given[method][0], rows.y)
    assert outcome.metrics["little_accuracy"] == pytest.approx(fitted.score(given[method][1], test.y), abs=0.011)


DIGITS_WITH_TEST = data.digits()


def test_all_methods_and_tasks_learn_something() -> None:
    objective = use_network(lambda: DIGITS_WITH_TEST).shrunk()
    for task, chance in ((SIMILAR, 0.2), (DIFFERENT, 0.1)):
        for method in METHODS:
            outcome = objective({"task": task, "method": method}, context())
            assert outcome.metrics["much_accuracy"] > 2 * chance, (task, method)
            assert outcome.value == round(1 - outcome.metrics["much_accuracy"], 12)


def found(**accuracies: list[float]) -> dict[str, list[Trial]]:
    def trial(replicate: int, value: float) -> Trial:
        return Trial(replicate, {}, "all", Status.FINISHED, Outcome(0.0, {"little_accuracy": value}), replicate=replicate)

    return {name: [trial(i, value) for i, value in enumerate(values)] for name, values in accuracies.items()}


def test_a_cell_names_the_best_and_what_is_as_good_by_pairs() -> None:
    cell = ("best", "tie", "worse")
    trials = found(best=[0.9, 0.8, 0.7, 0.8], tie=[0.7, 0.9, 0.8, 0.7], worse=[0.85, 0.75, 0.65, 0.75])
    verdicts = [InCell(name, "claim", "little_accuracy", name, cell).row(trials).verdict for name in cell]
    assert verdicts == ["best", "as good as the best", "worse than the best (-5.0)"]


def tries(method: str, count: int, seed: int = 0) -> Outcome:
    return FindWeights((("digits", DIGITS),), count)({"data": "digits", "method": method}, context(seed))


def test_random_weights_keep_the_lowest_cost_written_out() -> None:
    rng, lowest, best = np.random.default_rng(5), np.inf, np.zeros((10, 65))
    for tried in range(30):
        # The first draw has weights and biases in one array, the others one after the other, as the objective draws them.
        w = rng.standard_normal((10, 65)) if not tried else np.hstack(
            [rng.standard_normal((10, 64)), rng.standard_normal(10)[:, None]])  # fmt: skip
        scores = random_weights.SCALE * (DIGITS.train.x @ w[:, :-1].T + w[:, -1])
        margins = np.maximum(0, scores - scores[np.arange(len(scores)), DIGITS.train.y][:, None] + 1)
        cost = margins.sum(axis=1).mean() - 1  # the right class itself counts 1
        if cost < lowest:
            lowest, best = cost, w
    predicted = (DIGITS.validation.x @ best[:, :-1].T + best[:, -1]).argmax(axis=1)
    outcome = tries(RANDOM, 30, seed=5)
    assert outcome.history["training_cost"][-1][1] == pytest.approx(lowest, rel=1e-5)
    assert outcome.metrics["last_accuracy"] == pytest.approx(np.mean(predicted == DIGITS.validation.y), abs=1e-9)


@pytest.mark.parametrize("method", [RANDOM, LOCAL, SLOPE])
def test_the_training_cost_of_the_best_weights_never_rises(method: str) -> None:
    costs = [cost for _, cost in tries(method, 40).history["training_cost"]]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < costs[0]


def test_the_slope_is_ahead_of_chance_and_all_begin_alike() -> None:
    ends: dict[str, Any] = {method: tries(method, 60).metrics for method in (RANDOM, LOCAL, SLOPE)}
    assert len({end["first_accuracy"] for end in ends.values()}) == 1
    assert ends[SLOPE]["last_accuracy"] > ends[LOCAL]["last_accuracy"]
    assert ends[SLOPE]["last_accuracy"] > 0.8
