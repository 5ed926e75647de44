"""The model that chooses among candidates: the most promising one, believed from then on; a fresh fit where ranges move."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial.legendre import legvander
from sklearn.gaussian_process.kernels import Matern

from hpsearch import Float, Outcome, Space, Status, Trial
from hpsearch.strategies.candidate_model import CandidateModel
from hpsearch.surrogate import WARPS, Encoding, fit

LINE = Space(x=Float(0.0, 1.0))


def valley(*points: float) -> list[Trial]:
    return [Trial(i, {"x": x}, "all", Status.FINISHED, Outcome((x - 0.4) ** 2)) for i, x in enumerate(points)]


def test_chooses_the_largest_expected_improvement() -> None:
    """Textbook formulas, with scikit-learn's kernel and NumPy's Legendre polynomials; the improvement by draws."""
    model, trials = CandidateModel(), valley(0.0, 0.15, 0.55, 0.8, 1.0)
    chooser = model.begin_batch(LINE, trials)
    assert chooser is not None
    hyper = chooser.posterior.hyper
    x = np.array([t.params["x"] for t in trials])
    y = WARPS[0](np.array([t.value for t in trials]))

    def covariance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        matern = Matern(float(np.exp(hyper.log_lengths[0])), nu=2.5)(one[:, None], other[:, None])
        basis, others = (legvander(2 * points - 1, 2)[:, 1:] for points in (one, other))
        return hyper.signal * matern + hyper.trend * basis @ others.T

    inverse = np.linalg.inv(covariance(x, x) + (hyper.noise + 1e-8) * np.eye(len(x)))
    candidates = np.linspace(0.025, 0.975, 20)
    alike = covariance(candidates, x)
    means, variances = alike @ inverse @ y, np.diag(covariance(candidates, candidates) - alike @ inverse @ alike.T)
    draws = means + np.sqrt(variances) * np.random.default_rng(0).standard_normal((20_000, 1))
    least = (covariance(x, x) @ inverse @ y).min()
    expected = candidates[np.maximum(least - draws, 0.0).mean(0).argmax()]
    points = [{"x": float(point)} for point in candidates]
    first = chooser.choose(points)
    assert first["x"] == pytest.approx(expected)
    before = chooser.posterior.predict(np.array([[first["x"]]]))
    assert chooser.choose([first]) == first
    after = chooser.posterior.predict(np.array([[first["x"]]]))
    assert after[0] == pytest.approx(before[0])
    assert after[1] < before[1]


def test_without_a_value_there_is_nothing_to_choose_by() -> None:
    failed = [Trial(0, {"x": 0.5}, "all", Status.FAILED)]
    assert CandidateModel().begin_batch(LINE, failed) is None
    assert CandidateModel().begin_batch(LINE, []) is None


def test_the_warps_take_turns_and_a_moved_range_begins_anew() -> None:
    model, trials = CandidateModel(), valley(0.0, 0.3, 0.9)
    values = np.array([t.value for t in trials])
    for batch in range(4):
        chooser = model.begin_batch(LINE, trials)
        assert chooser is not None
        assert chooser.posterior.targets == pytest.approx(WARPS[batch % 3](values / values.max()))
    moved = Space(x=Float(-1.0, 1.0))
    chooser = model.begin_batch(moved, trials)
    assert chooser is not None
    assert chooser.posterior.hyper.vector.tolist() == _fitted_anew(moved, trials, 1)


def _fitted_anew(space: Space, trials: list[Trial], warp: int) -> list[float]:
    encoding = Encoding(space)
    features = encoding.features(encoding.to_snapped(t.params for t in trials))
    values = np.array([t.value for t in trials])
    fitted: list[float] = fit(features, WARPS[warp](values / values.max()), encoding.owners).vector.tolist()
    return fitted
