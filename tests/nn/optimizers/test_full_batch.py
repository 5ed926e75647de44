"""Full-batch methods against scikit-learn, SciPy called by hand and a Hessian written out; and their way through a training."""

from __future__ import annotations

import gc
import threading
import time
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import optimize, special
from sklearn.linear_model import LogisticRegression

from hpsearch.errors import DataError, SettingError
from hpsearch.nn.activations import Tanh
from hpsearch.nn.gradcheck import numeric_gradient
from hpsearch.nn.layers import Affine, Dropout, SoftmaxWithLoss
from hpsearch.nn.network import Network
from hpsearch.nn.optimizers.full_batch import CG, FULL_BATCH, LBFGS, NewtonCG, _flat, _PenalisedCost
from hpsearch.nn.optimizers.iterates import Iterates
from hpsearch.nn.recipe import Monitors, Recipe
from hpsearch.nn.regularizers import L2
from hpsearch.nn.schedules import Cosine
from hpsearch.nn.stack import Stack
from hpsearch.nn.stopping import NoImprovement
from hpsearch.nn.training.training import Training
from hpsearch.space import Int
from tests.nn.blobs import CLASSES, INPUTS, blobs

METHODS = sorted(FULL_BATCH)


def training(
    optimizer: Any, *, hidden: tuple[int, ...] = (5,), dtype: str = "float64", seed: int = 0, **settings: Any
) -> Training:
    rng = np.random.default_rng(seed)
    network = Network.create((INPUTS, *hidden, CLASSES), rng, cost="log_likelihood", activation="tanh", dtype=dtype)
    recipe = Recipe(1.0, optimizer=optimizer, **{"epochs": 12, "l2": 1.0, **settings})
    return Training(network, blobs(), recipe, rng, blobs(40, seed=2))


@pytest.mark.parametrize("rule", [LBFGS(tolerance=1e-9), CG(1e-9), NewtonCG(1e-9)], ids=repr)
def test_a_network_without_hidden_layers_is_logistic_regression(rule: Any) -> None:
    run = training(rule, hidden=(), epochs=500, l2=2.0)
    list(run.run())
    x, labels = blobs()
    # Its penalty is half the sum of squares, its cost the sum over the rows times C.
    fitted = LogisticRegression(C=1 / 2.0, tol=1e-10, max_iter=10_000).fit(x.astype(np.float64), labels)
    np.testing.assert_allclose(run.network.forward(x), fitted.predict_proba(x), atol=1e-6)
    assert run.finished
    assert len(run.history) < 500


def by_hand(flat: np.ndarray, sizes: tuple[int, int, int]) -> tuple[float, np.ndarray]:
    """Cost and gradient of a network of one hidden layer on all of the blobs, without a line of the engine."""
    d, h, k = sizes
    w1, w2, b1, b2 = np.split(flat, np.cumsum([h * d, k * h, h]))
    w1, w2 = w1.reshape(h, d), w2.reshape(k, h)
    x, labels = blobs()
    t, n = np.eye(k)[labels], len(labels)
    a = np.tanh(x.astype(np.float64) @ w1.T + b1)
    z = a @ w2.T + b2
    cost = -(special.log_softmax(z, axis=1) * t).sum() / n + 1.0 / (2 * n) * ((w1**2).sum() + (w2**2).sum())
    delta = (special.softmax(z, axis=1) - t) / n
    below = (delta @ w2) * (1 - a * a)
    parts = (below.T @ x + w1 / n, delta.T @ a + w2 / n, below.sum(axis=0), delta.sum(axis=0))
    return float(cost), np.concatenate([part.ravel() for part in parts])


@pytest.mark.parametrize(
    ("rule", "method", "options"),
    [(LBFGS(memory=5), "L-BFGS-B", {"maxcor": 5, "ftol": 0.0, "gtol": 1e-5}), (CG(), "CG", {})],
    ids=["l-bfgs", "cg"],
)
def test_epochs_are_the_iterations_of_scipy(rule: Any, method: str, options: dict[str, Any]) -> None:
    run, seen = training(rule), []
    start, sizes = _flat(run.network), (INPUTS, 5, CLASSES)
    optimize.minimize(
        by_hand, start, (sizes,), method, jac=True, callback=lambda x: seen.append(x.copy()), options={"maxiter": 12, **options}
    )
    for epoch, wanted in zip(run.run(), seen, strict=True):
        np.testing.assert_allclose(_flat(run.network), wanted, rtol=1e-6, atol=1e-9)
        weights = wanted[: -5 - CLASSES]
        assert epoch.training_cost == pytest.approx(by_hand(wanted, sizes)[0] - (weights**2).sum() / (2 * 64))


def test_products_are_those_of_the_hessian() -> None:
    run = training("newton-cg", hidden=(3,))
    flat, sizes = _flat(run.network), (INPUTS, 3, CLASSES)
    cost = _PenalisedCost(run.network.copy(), L2(1.0).decay(64), *blobs())
    rows = [numeric_gradient(lambda i=i: by_hand(flat, sizes)[1][i], [flat], 1e-4)[0] for i in range(len(flat))]  # type: ignore[misc]
    for vector in np.random.default_rng(0).standard_normal((5, len(flat))) * [[1e-6], [1e-3], [1.0], [1e3], [1e6]]:
        np.testing.assert_allclose(
            cost.product(flat, vector), np.array(rows) @ vector, rtol=1e-4, atol=1e-6 * np.abs(vector).max()
        )
    assert not cost.product(flat, np.zeros_like(flat)).any()


def test_chunks_of_rows_add_up_to_all_rows() -> None:
    network = Network.create((INPUTS, 4, CLASSES), np.random.default_rng(0), dtype="float64")
    x, labels = blobs(2300)
    cost, gradient = _PenalisedCost(network.copy(), L2(3.0).decay(2300), x, labels)(_flat(network))
    wanted, weights, biases = network.cost_and_gradient(x, labels, L2(3.0))
    assert cost == pytest.approx(wanted, rel=1e-12)
    np.testing.assert_allclose(gradient, np.concatenate([g.ravel() for g in (*weights, *biases)]), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", METHODS)
def test_going_on_from_a_state_is_training_through(optimizer: str, dtype: str) -> None:
    through, first = (training(optimizer, dtype=dtype) for _ in range(2))
    list(through.run())
    state = first.state()
    for until in (4, 5, 9, 12):
        later = training(optimizer, dtype=dtype, seed=until)  # another start, that the state must replace
        later.restore(state)
        list(later.run(until=until))
        state = later.state()
    assert later.history == through.history
    np.testing.assert_equal(state, through.state())


def test_a_training_that_was_run_may_be_set_back() -> None:
    run, other = training("l-bfgs"), training("l-bfgs", seed=1)
    list(run.run(until=4))
    state = run.state()
    list(other.run(until=4))
    other.restore(state)
    assert next(other.run()) == next(run.run())


@pytest.mark.parametrize("optimizer", METHODS)
def test_the_end_of_the_method_ends_the_training_and_is_remembered(optimizer: str) -> None:
    run = training(optimizer, hidden=(), epochs=2000)
    list(run.run())
    assert run.finished
    assert len(run.history) < 2000
    again = training(optimizer, hidden=(), epochs=2000)
    again.restore(run.state())
    assert again.finished
    assert list(again.run()) == []
    assert again.history == run.history


@pytest.mark.parametrize("every", [None, 7])
def test_the_end_of_the_method_is_looked_at(every: int | None) -> None:
    run = training("l-bfgs", hidden=(), epochs=2000, monitors=Monitors(every=every))
    last = list(run.run())[-1]
    assert last.validation_cost is not None
    assert run.kept_epoch > 0


def test_a_start_that_cannot_be_bettered_is_one_epoch() -> None:
    run = training(LBFGS(tolerance=1e3))
    before = run.network.copy()
    (epoch,) = run.run()
    assert epoch.training_cost == before.score(*blobs()).cost
    np.testing.assert_array_equal(run.network.weights[0], before.weights[0])


def test_the_cost_falls_in_every_iteration_further_than_gradient_descent_takes_it() -> None:
    costs = {name: [epoch.training_cost for epoch in training(name, epochs=20, l2=0.0).run()] for name in METHODS}
    rng = np.random.default_rng(0)
    descent = Training(
        Network.create((INPUTS, 5, CLASSES), rng, cost="log_likelihood", activation="tanh", dtype="float64"),
        blobs(),
        Recipe(0.5, batch_size=64, epochs=20, monitors=Monitors(full_training=True)),
        rng,
    )
    reached = list(descent.run())[-1].full_training_cost
    for name, curve in costs.items():
        assert all(after <= before for before, after in pairwise(curve)), name  # type: ignore[operator]
        assert curve[-1] < reached  # type: ignore[operator]


def test_stopping_and_stacks_go_with_them() -> None:
    rng = np.random.default_rng(0)
    stack = Stack(Affine.create(INPUTS, 5, rng), Tanh(), Affine.create(5, CLASSES, rng), SoftmaxWithLoss())
    run = Training(
        stack, blobs(), Recipe(1.0, optimizer="l-bfgs", epochs=300, stopping=NoImprovement(5)), rng, blobs(40, seed=2)
    )
    list(run.run())
    assert len(run.history) == run.kept_epoch + 5 < 300


def test_fewer_rows_than_a_usual_mini_batch() -> None:
    rng = np.random.default_rng(0)
    run = Training(Network.create((INPUTS, CLASSES), rng), blobs(5), Recipe(1.0, optimizer="cg", epochs=3), rng)
    assert len(list(run.run())) == 3


def threads(wanted: int) -> int:
    """Return how many methods have a thread, waiting up to five seconds for the number to be right."""
    gc.collect()
    for _ in range(100):
        found = sum(thread.name == "iterates" for thread in threading.enumerate())
        if found == wanted:
            break
        time.sleep(0.05)
    return found


def test_the_thread_ends_when_the_training_is_dropped() -> None:
    assert threads(0) == 0
    run = training("l-bfgs")
    next(run.run())
    assert threads(1) == 1
    del run
    assert threads(0) == 0


def test_an_error_of_the_method_is_raised_and_ends_the_iterates() -> None:
    def fails(report: Any) -> None:
        report(type("Result", (), {"x": np.ones(1), "fun": 0.0}))
        raise ZeroDivisionError("planted")

    iterates = Iterates(fails)
    assert next(iterates).x.tolist() == [1.0]
    with pytest.raises(ZeroDivisionError, match="planted"):
        next(iterates)
    assert list(iterates) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"learning_rate": 0.1},
            r"learning_rate must be left out, or 1\.0, with 'l-bfgs', got 0\.1\.",
        ),
        (
            {"batch_size": 20},
            r"batch_size must be left out, or 10, with 'l-bfgs', got 20\. Every step looks",
        ),
        (
            {"schedule": Cosine()},
            r"schedule must be left out, or Constant\(\), with 'l-bfgs', got Cosine",
        ),
        ({"dropout": 0.5}, r"dropout must be left out, or 0\.0, with 'l-bfgs', got 0\.5\. The cost must be the same"),
        ({"input_dropout": 0.5}, r"input_dropout must be left out, or 0\.0, with 'l-bfgs', got 0\.5\."),
        (
            {"l1": 1.0},
            r"l1 must be left out, or 0\.0, with 'l-bfgs', got 1\.0\. The cost must have",
        ),
        ({"momentum": 0.9}, r"momentum must be 0 with LBFGS\(.*\), got 0\.9\. Take it out"),
        ({"optimizer": LBFGS(memory=Int(3, 20))}, r"optimizer memory must be a plain value, got Int"),
        ({"optimizer": "bfgs"}, r"optimizer must be one of .*, got 'bfgs'\. .*Did you mean 'l-bfgs'"),
    ],
)
def test_refuses_what_does_not_go_with_them(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Recipe(**{"learning_rate": 1.0, "optimizer": "l-bfgs", **changes})


def test_refuses_a_stack_that_leaves_out_and_rows_that_are_not_finite() -> None:
    rng = np.random.default_rng(0)
    stack = Stack(Affine.create(INPUTS, CLASSES, rng), Dropout(0.5), SoftmaxWithLoss())
    with pytest.raises(SettingError, match=r"A network to train by a full-batch method must be without Dropout, got Stack"):
        Training(stack, blobs(), Recipe(1.0, optimizer="cg"), rng)
    x, labels = blobs()
    x[3, 2] = np.nan
    run = Training(Network.create((INPUTS, CLASSES), rng), (x, labels), Recipe(1.0, optimizer="cg"), rng)
    with pytest.raises(DataError, match=r"x\[3, 2\] must be finite, got nan"):
        next(run.run())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LBFGS(memory=0), r"LBFGS memory must be a whole number >= 1, got 0\."),
        (lambda: CG(tolerance=0.0), r"CG tolerance must be a number in \(0, inf\), got 0\.0\."),
    ],
)
def test_refuses_bad_settings(make: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make()
