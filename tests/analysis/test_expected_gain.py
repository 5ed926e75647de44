"""The expected gain of the next trials against integrals, and the advice that follows from it."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch import Float, Space
from hpsearch.analysis import expected_gain as module
from hpsearch.analysis.conclusions import Conclusions
from hpsearch.analysis.expected_gain import ExpectedGain, expected_gain
from hpsearch.analysis.findings import Findings
from hpsearch.analysis.model import Model, fit_model
from hpsearch.analysis.optimism import Noise
from hpsearch.analysis.sentences import describe_gain
from hpsearch.strategies import GaussianProcess, Random
from tests.analysis.findings import findings
from tests.plots.sample import result

BOWL = Space(x=Float(-1.0, 1.0), y=Float(-1.0, 1.0))


def bowl(x: float, y: float) -> float:
    return 1.0 + (x - 0.3) ** 2 + (y + 0.2) ** 2


def model_of(found: Findings) -> Model:
    model = fit_model(found)
    assert isinstance(model, Model), model
    return model


def searched(trials: int) -> Findings:
    return result(BOWL, lambda params: bowl(**params), strategy=GaussianProcess(trials=trials)).findings


def test_shrinks_as_a_search_converges() -> None:
    states = (findings(BOWL, bowl, 16), searched(12), searched(40))
    gains = [expected_gain(model_of(state)) for state in states]
    assert [gain.many for gain in gains] == sorted((gain.many for gain in gains), reverse=True)
    assert gains[-1].many < 0.01 * gains[0].many
    assert gains[0].worth
    assert not gains[-1].worth


def test_is_never_less_for_ten_trials_than_for_one_and_never_passes_the_floor() -> None:
    found = findings(BOWL, bowl, 16)
    gain = expected_gain(model_of(found))
    values = np.array([trial.value for trial in found.trials])
    assert 0 < gain.one <= gain.many <= 0.5 * (np.median(values) - values.min()) + abs(gain.best - values.min())
    assert gain.best == pytest.approx(values.min(), abs=0.1)


def test_of_one_point_is_the_integral_of_the_improvement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the normal distribution of the logarithm at the point that is proposed, by numerical integration."""
    from scipy.integrate import quad
    from scipy.stats import norm

    from hpsearch.surrogate import Proposer

    monkeypatch.setattr(module, "_DRAWS", 200_000)
    model = model_of(findings(BOWL, bowl, 16))
    gain = module.expected_gain.__wrapped__(model)
    values = np.array([trial.value for trial in model.findings.trials])
    floor = values.min() - 0.5 * (np.median(values) - values.min())
    scaled = model.with_floor(floor)
    point = Proposer(scaled.encoding, scaled.units, scaled.posterior).propose(np.random.default_rng(0))
    means, covariances = scaled.joint(point[None])
    mean, deviation = means.item(), np.sqrt(covariances.item())

    def improvement(z: float) -> float:
        value = scaled.scale.to_values(np.array([mean + deviation * z])).item()
        return max(gain.best - value, 0.0) * float(norm.pdf(z))

    expected = quad(improvement, -8, 8, limit=200)[0]
    assert gain.one == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("values", [(0.0, 1.0), (0.0, 0.0), (-5.0, 1e300)])
def test_values_at_zero_equal_values_and_huge_ones_have_a_gain(values: tuple[float, float]) -> None:
    gain = expected_gain(model_of(findings(BOWL, lambda x, y: values[0] if x < 0.5 else values[1] + y)))
    assert np.isfinite([gain.one, gain.many, gain.best, gain.least]).all()
    assert gain.many >= 0


def test_a_maximised_study_gains_as_much() -> None:
    less, more = (expected_gain(model_of(findings(BOWL, bowl, 16, maximize=maximize))) for maximize in (False, True))
    negated = expected_gain(model_of(findings(BOWL, lambda x, y: -bowl(x, y), 16, maximize=True)))
    assert negated.many == pytest.approx(less.many)
    assert negated.best == pytest.approx(-less.best)
    assert more.best > 3.0  # the largest values lie in a corner


def test_known_noise_decides_what_is_worth_having() -> None:
    model = model_of(findings(BOWL, bowl, 16))
    gain = expected_gain(model).many
    assert expected_gain(model, Noise(0.9 * gain)).worth
    assert not expected_gain(model, Noise(1.1 * gain)).worth


def test_the_advice_is_one_sentence_with_its_reason() -> None:
    early, late = (" ".join(describe_gain(Conclusions(found))) for found in (findings(BOWL, bowl, 16), searched(40)))
    assert early.startswith("The model expects the next 10 trials to improve the best value by ")
    assert ": worth going on, as it is at least 5% of the distance between the median and the best value." in early
    assert ": not worth going on, as it is less than 5% of the distance" in late
    replicated = Conclusions(result(confirm=2, confirm_replicates=3).findings)
    assert "the standard deviation of one run, " in " ".join(describe_gain(replicated))


def test_there_is_no_advice_without_a_model() -> None:
    few = Conclusions(result(strategy=Random(trials=5)).findings)
    assert few.gain is None
    assert list(describe_gain(few)) == []


def test_the_sentence_of_no_gain_at_all() -> None:
    conclusions = Conclusions(searched(12))
    conclusions.__dict__["gain"] = ExpectedGain(0.0, 0.0, 1.25, 0.1)
    assert list(describe_gain(conclusions)) == [
        "The model expects no improvement (from 1.25, what it expects of the best setting tried): not worth going on."
    ]
