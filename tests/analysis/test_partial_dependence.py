"""Partial dependence against closed forms, and against scikit-learn's own on its own Gaussian process."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hpsearch import Choice, Float, Int, Space
from hpsearch.analysis.model import Model, fit_model
from hpsearch.analysis.partial_dependence import effect, effects, joint_effect, leading_pair
from tests.analysis.findings import findings

PLANE = Space(x=Float(0.0, 1.0), y=Float(0.0, 1.0))


def model_of(space: Space, function, count: int = 64, maximize: bool = False) -> Model:  # type: ignore[no-untyped-def]
    model = fit_model(findings(space, function, count, maximize=maximize))
    assert isinstance(model, Model), model
    return model


def test_of_a_sum_is_each_term_and_the_mean_of_the_other() -> None:
    """sin(2 pi x) + y^2 + 2: the mean of y^2 is 1/3, that of the sine 0."""
    model = model_of(PLANE, lambda x, y: np.sin(2 * np.pi * x) + y**2 + 2)
    of_x, of_y = effect(model, "x"), effect(model, "y")
    x, y = np.array(of_x.values), np.array(of_y.values)
    assert of_x.means == pytest.approx(np.sin(2 * np.pi * x) + 1 / 3 + 2, abs=0.06)
    assert of_y.means == pytest.approx(y**2 + 2, abs=0.06)
    truth = np.sin(2 * np.pi * x) + 1 / 3 + 2
    inside = (np.array(of_x.low) <= truth) & (truth <= np.array(of_x.high))
    assert inside.mean() > 0.8
    assert [each.name for each in effects(model)] == ["x", "y"]


def test_of_logarithms_is_a_geometric_mean() -> None:
    """10^(2 x + y): the geometric mean over y is 10^(2 x + 1/2)."""
    found = effect(model_of(PLANE, lambda x, y: 10.0 ** (2 * x + y)), "x")
    assert found.means == pytest.approx(10.0 ** (2 * np.array(found.values) + 0.5), rel=0.05)


def test_of_two_is_their_product() -> None:
    """(1 + x) (1 + y) + z: on average over z half more than the product."""
    space = Space(x=Float(0.0, 1.0), y=Float(0.0, 1.0), z=Float(0.0, 0.2))
    model = model_of(space, lambda x, y, z: (1 + x) * (1 + y) + z)
    assert leading_pair(model) == ("x", "y")
    joint = joint_effect(model, ("x", "y"), 5)
    x, y = (np.array(values) for values in joint.values)
    assert np.array(joint.means) == pytest.approx((1 + x)[:, None] * (1 + y) + 0.1, abs=0.03)
    assert (np.array(joint.low) < np.array(joint.means)).all()
    assert (np.array(joint.high) > np.array(joint.means)).all()


def test_agrees_with_scikit_learn_on_its_own_process() -> None:
    """Its process is fitted to the same trials with our hyperparameters; its average is over the same points."""
    from scipy.stats import qmc
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern
    from sklearn.inspection import partial_dependence

    model = model_of(PLANE, lambda x, y: np.cos(5 * x) * y + 2 * x, 32)
    kernel = ConstantKernel(model.hyper.signal) * Matern(np.exp(model.hyper.log_lengths), nu=2.5)
    theirs = GaussianProcessRegressor(kernel, alpha=model.hyper.noise + 1e-8, optimizer=None)
    theirs.fit(model.units, model.posterior.targets)
    draws = qmc.Sobol(2, rng=np.random.default_rng(0)).random_base2(7)
    found = effect(model, "x", 9)
    grid = {"custom_values": {0: np.array(found.values)}}
    expected = partial_dependence(theirs, draws, [0], method="brute", kind="average", **grid)["average"][0]
    assert model.scale.to_targets(np.array(found.means)) == pytest.approx(expected, abs=1e-6)
    # The deviation of the average, from the covariances of all pairs of points.
    at = np.column_stack([np.full(len(draws), found.values[3]), draws[:, 1]])
    _, covariances = theirs.predict(at, return_cov=True)
    half = (model.scale.to_targets(np.array([found.high[3]])) - model.scale.to_targets(np.array([found.means[3]]))).item()
    assert half == pytest.approx(1.96 * np.sqrt(covariances.mean()), rel=1e-3)


def test_the_band_is_wide_where_there_are_no_trials() -> None:
    found = findings(PLANE, lambda x, y: np.sin(9 * x) + y, 64)
    model = fit_model(replace(found, trials=[trial for trial in found.trials if trial.params["x"] < 0.6]))
    assert isinstance(model, Model)
    each = effect(model, "x")
    widths = np.array(each.high) - np.array(each.low)
    assert widths[-1] > 5 * widths[len(widths) // 4]


def test_of_a_maximised_study_is_as_its_objective_returned_values() -> None:
    less = effect(model_of(PLANE, lambda x, y: 1 + x), "x")
    more = effect(model_of(PLANE, lambda x, y: 1 + x, maximize=True), "x")
    assert more.means == pytest.approx(1 + np.array(more.values), abs=0.02)
    assert less.means == pytest.approx(more.means, abs=0.02)
    assert all(low <= mean <= high for low, mean, high in zip(more.low, more.means, more.high, strict=True))


def test_options_whole_numbers_and_conditions() -> None:
    """Value: 1 for a, 2 + n/10 for b; n is present with b alone, where it moves the value by itself."""
    space = Space(kind=Choice("a", "b", "c"), n=Int(1, 5, when={"kind": "b"}), z=Float(1e-3, 1.0, log=True))
    model = model_of(space, lambda kind, z, n=0: {"a": 1.0, "b": 2.0 + n / 10, "c": 3.0}[kind])
    of_kind, of_n = effect(model, "kind"), effect(model, "n")
    assert of_kind.values == ("a", "b", "c")
    assert of_kind.means == pytest.approx([1.0, 2.3, 3.0], abs=0.1)
    assert of_n.values == (1, 2, 3, 4, 5)
    assert of_n.means == pytest.approx([2.1, 2.2, 2.3, 2.4, 2.5], abs=0.1)
    assert effect(model, "z").values[0] == pytest.approx(1e-3)


def test_parameters_that_cannot_be_there_together_are_no_pair() -> None:
    space = Space(kind=Choice("a", "b"), p=Float(0.0, 1.0, when={"kind": "a"}), q=Float(0.0, 1.0, when={"kind": "b"}))
    assert leading_pair(model_of(space, lambda kind, p=0.0, q=0.0: p - q)) is None
    assert leading_pair(model_of(Space(x=Float(0.0, 1.0)), lambda x: x)) is None


def test_is_the_same_each_time() -> None:
    space = Space(x=Float(0.0, 1.0), c=Choice("a", "b", "c"))
    one, other = (effects(model_of(space, lambda x, c: x + len(c), 16)) for _ in range(2))
    assert one == other


def test_of_many_parameters_the_strong_ones_are_computed() -> None:
    space = Space(**{f"p{i:02}": Float(0.0, 1.0) for i in range(30)})
    found = effects(model_of(space, lambda **params: 5 * params["p03"] - 4 * params["p21"], 128))
    assert len(found) == 12
    assert {each.name for each in found[:2]} == {"p03", "p21"}
