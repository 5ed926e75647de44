"""Small studies over all strategies and objectives, whose trial tables are pinned in ``tables/``.

Each is a function that returns a study, entered in `STUDIES` with what its bits depend on. They import only documented names,
so that `tests.reference.compare` can run them with another checkout of hpsearch.

Validation costs in float64 decide most network studies: they have no ties, and another BLAS changes them by far less than 1e-5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpsearch import Choice, Context, Float, Int, MedianStop, Outcome, Space, Status, Stop, Study, Trial, data
from hpsearch.nn.augment import Affine
from hpsearch.nn.averaging import MovingAverage
from hpsearch.nn.schedules import Constant, Cosine, HalveOnPlateau, WarmUp
from hpsearch.nn.stopping import NoImprovement
from hpsearch.objectives import CrossValidate, TrainNetwork, TrainRNN, TrainSVM, TuneEstimator
from hpsearch.strategies import Bayesian, Grid, Grow, Halving, Hyperband, InTurn, QuasiRandom, Random, Staged

# Facts, see `tests.reference.facts`. Every study draws from NumPy and computes with the C library of a machine; from Python
# 3.12 on `sum` adds floats in another way.
BASE = ("python", "machine", "libc", "numpy")
MATRICES = ("blas", "simd", "scipy")
COMPILED = ("numba", "llvmlite", "cpu")
LEARN = ("scikit-learn",)
TPE = ("optuna", "scipy", "simd")


@dataclass(frozen=True)
class Reference:
    """A study with what its trial table depends on.

    Args:
        make: returns the study.
        facts: what decides its bits; where one of them differs from the recorded one, bits may.
        sequence: what decides which params are proposed, beyond rounding; None where the strategy learns from values that
            differ from machine to machine, so that only numbers, stages and budgets are promised on another one.
        needs: packages without which it cannot run.
    """

    make: Callable[[], Study]
    facts: tuple[str, ...]
    sequence: tuple[str, ...] | None
    needs: tuple[str, ...] = ()


STUDIES: dict[str, Reference] = {}


def _reference(
    *facts: str, sequence: tuple[str, ...] | None = (), needs: tuple[str, ...] = ()
) -> Callable[[Callable[[], Study]], Callable[[], Study]]:
    """Enter a study under its function's name."""

    def enter(make: Callable[[], Study]) -> Callable[[], Study]:
        STUDIES[make.__name__] = Reference(make, tuple(dict.fromkeys(BASE + facts)), sequence, needs)
        return make

    return enter


# Objectives in plain Python: products and sums alone, which every machine rounds alike.


def _distance(params: dict[str, Any]) -> float:
    """Return a squared distance from rate = 0.1, x = 0.3, n = 7, with a price on each kind."""
    rate, x = params["rate"] / (params["rate"] + 0.1) - 0.5, params.get("x", 0.5) - 0.3
    n = (params.get("n", 4) - 7) / 10
    kind = {"a": 0.0, "b": 0.125, "c": 0.25}[params.get("kind", "a")]
    return float(rate * rate + x * x + n * n + kind + 0.01 * params.get("slope", 0.0))


def valley(params: dict[str, Any]) -> dict[str, float]:
    """Return a value and a metric."""
    value = _distance(params)
    return {"value": value, "half": value / 2}


def noisy(params: dict[str, Any], context: Context) -> float:
    """Return a value with noise from the trial's own random numbers."""
    return _distance(params) + 0.01 * float(context.rng.normal())


def brittle(params: dict[str, Any]) -> float:
    """Raise in one corner, diverge in another, return a value elsewhere."""
    if params["x"] > 0.75:
        raise ValueError("x is too large for this objective")
    return float("nan") if params["rate"] > 1.0 else _distance(params)


def distant(params: dict[str, Any]) -> float:
    """Return a value that is least beyond the first ranges: at rate = 100 and x = 2."""
    rate, x = params["rate"] / (params["rate"] + 100.0) - 0.5, params["x"] - 2.0
    return float(8.0 * rate * rate + x * x / 4.0)


def falling(params: dict[str, Any], context: Context) -> Outcome:
    """Report a curve that falls towards the value; large rates fall late."""
    value = _distance(params)
    for epoch in range(1, 9):
        context.report(epoch, validation_cost=value + params["rate"] / (params["rate"] + epoch))
    return Outcome(value, {"epochs": 8.0})


def sized(params: dict[str, Any]) -> float:
    """Return a value that falls with the number of rows."""
    return _distance(params) + 1.0 / float(params["rows"])


def _mixed(**more: Any) -> Space:
    """Return a space of every kind of range, with a condition."""
    return Space(
        rate=Float(1e-3, 10.0, log=True), x=Float(-1.0, 1.0), n=Int(1, 100, log=True),
        kind=Choice("a", "b", "c"), slope=Float(0.0, 1.0, when={"kind": "b"}), **more,
    )  # fmt: skip


def _plain(**more: Any) -> Space:
    return Space(rate=Float(1e-3, 10.0, log=True), x=Float(-1.0, 1.0), **more)


# Strategies, on objectives in plain Python.


@_reference()
def random_mixed() -> Study:
    """Random search over every kind of range, after settings of the user's own."""
    first = [{"rate": 0.1, "x": 0.25, "n": 7, "kind": "b", "slope": 0.5}, {"rate": 1.0, "x": 0.0, "n": 1, "kind": "a"}]
    space = _mixed(even=Int(2, 10, step=2), hidden=Choice((10,), (10, 20), None))
    first = [point | {"even": 4, "hidden": (10, 20)} for point in first]
    return Study("random-mixed", space, valley, Random(trials=16), seed=1, first=first)


@_reference()
def random_maximised() -> Study:
    """A study that maximises, and ends by a rule."""
    return Study("random-maximised", _plain(), valley, Random(trials=30), maximize=True, stop=Stop(without_better=8))


@_reference()
def random_failing() -> Study:
    """Trials that fail, trials that diverge, and replicates of them."""
    return Study("random-failing", _plain(), brittle, Random(trials=10), seed=4, replicates=2)


@_reference()
def grid_ends() -> Study:
    """A grid that includes the ends of its ranges, with a condition."""
    return Study("grid-ends", _mixed(), valley, Grid(points={"rate": 3, "x": [-0.5, 0.5], "n": 2, "slope": 2}))


@_reference()
def grid_cells() -> Study:
    """A grid of the centres of cells; of those within a standard error the simplest is chosen."""
    space = Space(rate=Float(1e-3, 10.0, log=True), x=Float(-1.0, 1.0), n=Int(2, 20, step=2, simple="low"))
    return Study("grid-cells", space, noisy, Grid(points=3, spacing="cells"), replicates=2, select="one_se")


@_reference("scipy", sequence=("scipy",))
def quasirandom() -> Study:
    """A Sobol sequence, cut in the middle of a power of two."""
    return Study("quasirandom", _mixed(), valley, QuasiRandom(trials=20), seed=4)


@_reference("scipy")
def staged_moving() -> Study:
    """A staged search whose ranges move; its leaders are confirmed."""
    strategy = Staged(trials=48, batch_size=4)
    return Study("staged-moving", _plain(), distant, strategy, confirm=2, confirm_replicates=2)


@_reference("scipy")
def staged_options() -> Study:
    """A staged search over choices, whose worse options may be dropped, with budgets that rise."""
    strategy = Staged(stages=(16, 8, 8), keep=3, epochs=8, width=(0.4, 0.1), reach=0)
    return Study("staged-options", _mixed(), noisy, strategy, seed=5, confirm=2, select="probability")


@_reference("scipy")
def staged_known() -> Study:
    """A staged search that knows trials of an earlier study, and replicates its own."""
    values = {0.05: 0.5, 0.2: 0.25, 0.4: 0.125}
    known = [
        Trial(n, {"rate": 0.2, "x": x}, "all", Status.FINISHED, Outcome(value)) for n, (x, value) in enumerate(values.items())
    ]
    return Study("staged-known", _plain(), noisy, Staged(trials=14), seed=6, known=known, replicates=2)


@_reference()
def in_turn() -> Study:
    """One parameter after the other, each twice, over every kind of range."""
    return Study("in-turn", _mixed(), valley, InTurn(trials=40), seed=4)


@_reference("scipy")
def grow() -> Study:
    """A problem that grows by a range and a choice, with settings known and a conditional parameter."""
    return Study("grow", _mixed(), noisy, Grow(("n", "kind"), trials=10, reduced=8), seed=8)


@_reference(*TPE, sequence=TPE)
def bayesian_tpe() -> Study:
    """TPE, trial by trial, over every kind of range."""
    return Study("bayesian-tpe", _mixed(), valley, Bayesian(trials=18, batch_size=1, startup=8), seed=7)


@_reference(*TPE, sequence=TPE)
def bayesian_batches() -> Study:
    """TPE in batches of four, with trials that fail and known ones."""
    known = [Trial(0, {"rate": 0.2, "x": 0.4}, "all", Status.FINISHED, Outcome(0.0625))]
    strategy = Bayesian(trials=20, batch_size=4, startup=8)
    return Study("bayesian-batches", _plain(), brittle, strategy, seed=8, known=known)


@_reference(*TPE, sequence=TPE)
def bayesian_early_stop() -> Study:
    """TPE whose trials end early where their curves lag."""
    strategy, rule = Bayesian(trials=20, batch_size=2, startup=8), MedianStop("validation_cost", after=2, trials=4)
    return Study("bayesian-early-stop", _plain(), falling, strategy, seed=9, early_stop=rule)


@_reference("optuna", "cmaes", "blas", "simd", sequence=("optuna", "cmaes"), needs=("cmaes",))
def bayesian_cmaes() -> Study:
    """CMA-ES."""
    strategy = Bayesian(trials=20, batch_size=1, sampler="cmaes", startup=6)
    return Study("bayesian-cmaes", _plain(z=Float(0.0, 1.0)), valley, strategy, seed=10)


@_reference()
def halving_rows() -> Study:
    """Successive halving whose resource is a parameter."""
    return Study("halving-rows", _plain(rows=Int(10, 90)), sized, Halving(trials=9, resource="rows"), seed=11)


# Objectives that train.


def _network(**settings: Any) -> TrainNetwork:
    """Return a network on digits that is judged by its cost, in float64 and on NumPy unless said otherwise."""
    usual: dict[str, Any] = {"hidden": (12,), "train_size": 200, "value": "cost", "dtype": "float64", "engine": "numpy"}
    return TrainNetwork(data.digits(), **(usual | settings))


_RATES = Float(0.01, 1.0, log=True)


@_reference(*MATRICES, *LEARN)
def network_numpy() -> Study:
    """Schedules with ranges of their own, penalties, momentum, dropout, a stopping rule; float32 and validation errors."""
    schedules = Choice(Constant(), HalveOnPlateau(patience=Int(2, 4)), Cosine(), WarmUp(steps=30, then=Cosine()))  # type: ignore[arg-type]
    space = Space(learning_rate=_RATES, l2=Float(0.01, 10.0, log=True), momentum=Float(0.0, 0.9), schedule=schedules)
    objective = _network(
        value="error", dtype="float32", epochs=6, dropout=0.25, input_dropout=0.1, l1=0.01, stopping=NoImprovement(patience=4)
    )
    return Study("network-numpy", space, objective, Random(trials=8), seed=12)


@_reference(*MATRICES, *LEARN, *COMPILED, needs=("numba",))
def network_numba() -> Study:
    """The compiled loop: sizes of mini-batches, activations, costs, momentum."""
    space = Space(
        learning_rate=_RATES, batch_size=Choice(5, 10, 20), activation=Choice("sigmoid", "tanh", "relu"),
        cost=Choice("cross_entropy", "log_likelihood", "quadratic"), momentum=Float(0.0, 0.9),
    )  # fmt: skip
    objective = _network(engine="numba", dtype="float32", value="error", epochs=4)
    return Study("network-numba", space, objective, Random(trials=8), seed=13)


@_reference(*MATRICES, *LEARN)
def network_optimizers() -> Study:
    """Every optimizer by mini-batches, two layers, kinds of first weights, looks within epochs."""
    space = Space(
        learning_rate=Float(0.001, 0.1, log=True), optimizer=Choice("sgd", "nesterov", "rmsprop", "adam"),
        momentum=Float(0.5, 0.9, when={"optimizer": "nesterov"}), init=Choice("scaled", "large"),
        activation=Choice("leaky_relu", "elu", "maxout"),
    )  # fmt: skip
    objective = _network(hidden=(12, 8), cost="log_likelihood", train_size=500, epochs=4, monitor_images=1000, monitor_every=2)
    return Study("network-optimizers", space, objective, Random(trials=8), seed=14)


@_reference(*MATRICES, *LEARN)
def network_full_batch() -> Study:
    """Optimizers that look at all rows in every step."""
    space = Space(optimizer=Choice("l-bfgs", "cg", "newton-cg"), l2=Float(0.1, 10.0, log=True))
    return Study("network-full-batch", space, _network(learning_rate=1.0, epochs=4), Grid(points=2), seed=15)


@_reference(*MATRICES, *LEARN)
def network_ensemble() -> Study:
    """Ensembles of averaged networks on distorted images."""
    objective = _network(members=2, expansion=Affine(), averaging=MovingAverage(), epochs=3)
    return Study("network-ensemble", Space(learning_rate=_RATES, l2=Float(0.0, 1.0)), objective, Random(trials=4), seed=16)


@_reference(*MATRICES)
def network_regression() -> Study:
    """Numbers to predict."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1.0, 1.0, (150, 4))
    target = 3.0 * x[:, 0] * x[:, 1] + 2.0 * x[:, 2] + rng.normal(0.0, 0.1, 150)
    # As float32: the table is of the time when a data set held nothing else.
    rows = data.arrays(x.astype(np.float32), target, regression=True, name="product")
    space = Space(learning_rate=Float(0.01, 0.2, log=True), momentum=Float(0.0, 0.9))
    objective = TrainNetwork(rows, hidden=(8,), activation="tanh", dtype="float64", epochs=5, engine="numpy")
    return Study("network-regression", space, objective, Random(trials=5))


@_reference(*MATRICES, *LEARN, sequence=None)
def network_staged() -> Study:
    """A staged search after the objective's own checks, which find the range of the learning rate."""
    space = Space(l2=Float(0.01, 10.0, log=True), batch_size=Choice(10, 20))
    strategy = Staged(trials=12, epochs=4, batch_size=4)
    return Study("network-staged", space, _network(epochs=4), strategy, seed=17)


@_reference(*MATRICES, *LEARN, sequence=None)
def network_halving() -> Study:
    """Successive halving: promoted trainings go on from where they stood, under a schedule over all epochs."""
    space = Space(learning_rate=_RATES, schedule=Choice(Constant(), Cosine()))
    strategy = Halving(trials=9, min_epochs=1, max_epochs=9)
    return Study("network-halving", space, _network(epochs=9), strategy, seed=18)


@_reference(*MATRICES, *LEARN, *COMPILED, sequence=None, needs=("numba",))
def network_hyperband() -> Study:
    """Hyperband, on the compiled loop."""
    space = Space(learning_rate=_RATES, momentum=Float(0.0, 0.9))
    objective = _network(epochs=4, engine="numba", dtype="float32")
    return Study("network-hyperband", space, objective, Hyperband(max_epochs=4, factor=2), seed=19)


@_reference(*MATRICES, *LEARN)
def svm() -> Study:
    """Support vector machines."""
    space = Space(C=Float(0.1, 10.0, log=True), kernel=Choice("rbf", "linear", "poly"))
    return Study("svm", space, TrainSVM(data.digits()), Grid(points=2))


@_reference(*MATRICES)
def recurrent() -> Study:
    """Recurrent networks over characters, whose trainings are continued."""
    space = Space(
        learning_rate=Float(1e-3, 0.03, log=True),
        window=Int(5, 20),
        embedding=Choice(None, 3),
        first_state=Choice(False, True),
        optimizer=Choice("adam", "rmsprop"),
    )
    objective = TrainRNN(data.tale(3000), hidden=8, batch_size=4, epochs=4, dtype="float64", sample_length=0)
    return Study("recurrent", space, objective, Halving(trials=6, max_epochs=4, factor=2), seed=21)


@_reference(*MATRICES, *LEARN)
def estimator() -> Study:
    """A scikit-learn pipeline with random numbers of its own."""
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = make_pipeline(StandardScaler(), SGDClassifier(max_iter=20, tol=None))
    space = Space(sgdclassifier__alpha=Float(1e-5, 1e-1, log=True), sgdclassifier__loss=Choice("hinge", "log_loss"))
    return Study("estimator", space, TuneEstimator(pipeline, data.digits()), Random(trials=4), seed=20)


@_reference(*MATRICES, *LEARN)
def cross_validation() -> Study:
    """The mean over three folds of a network."""
    objective = CrossValidate(_network(epochs=3), folds=3, seed=1)
    return Study("cross-validation", Space(learning_rate=_RATES), objective, QuasiRandom(trials=3), seed=21)
