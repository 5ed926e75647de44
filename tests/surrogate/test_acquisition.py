"""Expected improvement against integrals, and the points that are proposed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from hpsearch import Choice, Float, Int, Space
from hpsearch.surrogate import WARPS, Encoding, Posterior, Proposer, fit, log_expected_improvement
from hpsearch.surrogate.acquisition import _reflect
from hpsearch.testing import SPACES


@settings(deadline=None)
@given(mean=st.floats(-3, 3), deviation=st.floats(0.1, 3), best=st.floats(-3, 3))
def test_is_the_integral_of_the_improvement(mean: float, deviation: float, best: float) -> None:
    low, high = min(best, mean) - 12 * deviation, min(best, mean + 12 * deviation)
    improvement, _ = quad(lambda f: (best - f) * norm.pdf(f, mean, deviation), low, high, limit=200)
    found = log_expected_improvement(np.array([mean]), np.array([deviation]), best).item()
    assert np.exp(found) == pytest.approx(improvement, rel=1e-5, abs=1e-12)


def test_tells_hopeless_points_apart() -> None:
    """At 40 deviations EI is no float; its logarithm is -z^2 / 2 - log(sqrt(2 pi) z^2) in the limit."""
    z = np.array([40.0, 1e3, 1e5, 1e8])
    found = log_expected_improvement(z, np.ones(4), 0.0)
    assert found == pytest.approx(-0.5 * z**2 - np.log(np.sqrt(2 * np.pi) * z**2), rel=1e-5)
    assert (np.diff(found) < 0).all()


def test_is_smooth_where_its_formulas_meet() -> None:
    means = np.array([1.0 - 1e-9, 1.0 + 1e-9])
    assert np.diff(log_expected_improvement(means, np.ones(2), 0.0)) == pytest.approx(0.0, abs=1e-7)


def proposer(space: Space, value, count: int = 12, seed: int = 0) -> Proposer:  # type: ignore[no-untyped-def]
    encoding = Encoding(space)
    units = encoding.snap(np.random.default_rng(seed).random((count, len(space))))
    targets = WARPS[0](np.array([value(row) for row in units]))
    features = encoding.features(units)
    hyper = fit(features, targets, encoding.owners)
    return Proposer(encoding, units, Posterior(features, targets, hyper, encoding.owners))


def test_proposes_the_minimum_of_a_bowl() -> None:
    found = proposer(Space(x=Float(0, 1), y=Float(0, 1)), lambda u: ((u - 0.3) ** 2).sum()).propose(np.random.default_rng(0))
    assert found == pytest.approx([0.3, 0.3], abs=0.1)


def test_proposals_of_a_batch_are_spread() -> None:
    space = Space(x=Float(0, 1), y=Float(0, 1))
    model, rng = proposer(space, lambda u: ((u - 0.3) ** 2).sum() + 0.2 * np.sin(40 * u).sum()), np.random.default_rng(0)
    points = np.array([model.propose(rng) for _ in range(4)])
    distances = np.sqrt(((points[:, None] - points) ** 2).sum(2))[np.triu_indices(4, 1)]
    assert distances.min() > 0.01


def test_proposes_each_of_few_points_once_and_then_repeats_one() -> None:
    space = Space(n=Int(1, 4), c=Choice("a", "b", "c"))
    model, rng = proposer(space, lambda u: u.sum(), count=1), np.random.default_rng(0)
    points = [tuple(model.propose(rng)) for _ in range(11)]
    assert len({*points, tuple(model.tried[0])}) == 12
    assert tuple(model.propose(rng)) in {*points, tuple(model.tried[0])}


@pytest.mark.parametrize("name", SPACES)
def test_proposes_points_of_every_kind_of_space(name: str) -> None:
    model = proposer(SPACES[name], lambda u: float(((u - 0.3) ** 2).sum()))
    point = model.propose(np.random.default_rng(0))
    SPACES[name].check(model.encoding.to_params(point))
    assert (model.encoding.snap(point[None])[0] == point).all()


@settings(deadline=None)
@given(st.lists(st.floats(-1, 2), min_size=1, max_size=5))
def test_reflects_at_the_ends(units: list[float]) -> None:
    reflected = _reflect(np.array(units))
    assert ((reflected >= 0) & (reflected <= 1)).all()
    inside = [0 <= u <= 1 for u in units]
    assert reflected[inside] == pytest.approx(np.array(units)[inside])
