"""Stopped trials are sent to the strategy with the value of the finished trial that ranks nearest; the record keeps them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from hpsearch import Context, Float, Result, Space, Study
from hpsearch.ports import Batch, Proposal, Search, StrategyBase
from hpsearch.search.stopped import FinishedCurves
from hpsearch.search.stopping import MedianStop
from hpsearch.strategies import Bayesian, GaussianProcess, Staged
from hpsearch.surrogate import impute_values
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Curve, Outcome, Params, Status, Trial

SPACE = Space(x=Float(0.0, 1.0))
ACCURACY = MedianStop("accuracy", maximize=True, trials=4)


def curve(*values: float) -> Curve:
    return tuple(enumerate(values, 1))


def trial(number: int, accuracy: Curve, value: float = math.nan, stage: str = "all") -> Trial:
    """Return a finished trial where it has a value, else one that was stopped."""
    status = Status.STOPPED if math.isnan(value) else Status.FINISHED
    return Trial(number, {"x": 0.5}, stage, status, Outcome(value, history={"cost": curve(9.0), "accuracy": accuracy}))


# Costs in another unit and direction than the curves: at step 2, from the best to the worst, .9, .8 and .5.
FINISHED = [trial(0, curve(0.3, 0.8), 20.0), trial(1, curve(0.4, 0.5), 90.0), trial(2, curve(0.1, 0.9, 0.99), 10.0)]


def estimates(*stopped: Curve, earlier: Sequence[Trial] = FINISHED, rule: MedianStop = ACCURACY) -> list[float]:
    curves = FinishedCurves(rule)
    curves.estimate_all(earlier)
    return [t.value for t in curves.estimate_all([trial(9 + i, points) for i, points in enumerate(stopped)])]


@pytest.mark.parametrize(
    ("stopped", "value"),
    [
        (curve(0.0, 0.82), 20.0),  # between .8 and .9, nearer to .8
        (curve(0.0, 0.88), 10.0),
        (curve(0.9, 0.5), 90.0),  # level with .5
        (curve(0.9, 0.1), 90.0),  # worse than all of them
        (curve(0.0, 0.95), 10.0),  # better than all of them
        (curve(0.9, math.nan), 90.0),  # NaN is the worst
        (curve(0.39), 90.0),  # at step 1: nearest to .4
        (curve(0.0, 0.82, 0.0, 0.0, 0.0, 0.0), 10.0),  # finished curves end early: step 3 is the last in common, with .99 alone
    ],
)
def test_the_finished_trial_whose_curve_is_nearest_gives_the_value(stopped: Curve, value: float) -> None:
    """By hand."""
    assert estimates(stopped) == [value]


def test_a_curve_that_falls_is_compared_in_its_own_direction() -> None:
    """By hand: costs of 8, 5 and 1 end at values of -1, -2 and -3, as they do where the study maximises."""
    rule = MedianStop("accuracy")
    earlier = [trial(0, curve(8.0), -1.0), trial(1, curve(5.0), -2.0), trial(2, curve(1.0), -3.0)]
    assert estimates(curve(9.0), curve(6.0), curve(2.0), earlier=earlier, rule=rule) == [-1.0, -2.0, -3.0]


def test_without_a_step_in_common_there_is_no_value() -> None:
    assert np.isnan(estimates(curve(0.4), earlier=[])).all()
    assert np.isnan(estimates((), ((7, 0.4),))).all()
    unfinished = [
        replace(one, status=Status.DIVERGED, outcome=Outcome(math.inf, history={"accuracy": curve(0.4)})) for one in FINISHED
    ]
    checks = [replace(one, stage="pre-flight-1") for one in FINISHED]
    assert np.isnan(estimates(curve(0.4), earlier=[*unfinished, *checks])).all()


def test_only_stopped_trials_change_and_keep_the_one_curve_smaller_is_better() -> None:
    curves = FinishedCurves(ACCURACY)
    failed = Trial(3, {"x": 0.5}, "all", Status.FAILED, error="planted")
    stopped = trial(4, curve(0.3, 0.4))
    *others, changed = curves.estimate_all([*FINISHED, failed, stopped])
    assert others == [*FINISHED, failed]
    assert changed.outcome is not None
    assert changed.outcome.history == {"accuracy": ((1, -0.3), (2, -0.4))}
    assert (changed.status, changed.ok, changed.value) == (Status.STOPPED, False, 90.0)
    assert math.isnan(stopped.value)
    assert math.isnan(curves.estimate(replace(stopped, outcome=None)).value)


def test_a_model_sees_the_second_best_setting_as_good() -> None:
    """The error that was seen: of 20 settings the second best was stopped, and counted as the worst."""
    finished = [trial(i, curve(1 - i / 10, 1 - i / 20), 5.0 * i) for i in range(10)]
    told = impute_values(FinishedCurves(ACCURACY).estimate_all([*finished, trial(10, curve(0.97))]))
    assert told is not None
    assert told[-1] == told[0] == told.min()


@dataclass(frozen=True)
class Listens(StrategyBase):
    """Proposes an even grid in batches of five, then points that depend on all it was sent."""

    sent: list[list[Trial]] = field(default_factory=list, repr=False, compare=False)

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        self.sent.append(list(known))
        for first in range(0, 20, 5):
            ended = yield Batch([Proposal({"x": (first + i) / 20}) for i in range(5)])
            self.sent.append(list(ended))
        seen = sum(abs(t.value) for batch in self.sent for t in batch if math.isfinite(t.value))
        self.sent.append(list((yield Batch([Proposal({"x": seen % 1})]))))


def rises(params: Params, context: Context) -> float:
    """The curve is an accuracy, the value a cost in per cent; both are best at small x."""
    for step in range(1, 7):
        context.report(step, accuracy=(1 - params["x"]) * step / 6)
    return 100.0 * float(params["x"])


def run(study: Study, **options: Any) -> Result:
    return study.run(tracker=MemoryTracker(), **{"backend": "sequential", **options})


@pytest.mark.parametrize("maximize", [False, True])
def test_a_study_sends_estimates_and_records_what_happened(maximize: bool) -> None:
    objective = rises if not maximize else lambda params, context: -rises(params, context)
    heard = Listens()
    trials = run(Study("s", SPACE, objective, heard, maximize=maximize, early_stop=ACCURACY)).trials
    stopped = [t for t in trials if t.status is Status.STOPPED]
    assert stopped
    assert all(math.isnan(t.value) and len(t.outcome.history["accuracy"]) < 6 for t in stopped if t.outcome)
    sent = {t.number: t for batch in heard.sent for t in batch}
    worst = max(t.value for t in trials if t.ok)
    # Later grid points are worse at every step than all that finished: the worst finished one is the nearest.
    assert [sent[t.number].value for t in stopped if t.number < 20] == [worst] * sum(t.number < 20 for t in stopped)
    assert [sent[t.number] for t in trials if t.ok] == [t for t in trials if t.ok]


def test_replicates_are_estimated_one_by_one() -> None:
    heard = Listens()
    trials = run(Study("s", SPACE, rises, heard, early_stop=ACCURACY, replicates=2)).trials
    assert any(t.status is Status.STOPPED for t in trials)
    assert all(math.isfinite(t.value) for batch in heard.sent for t in batch)


def test_known_trials_of_an_earlier_study_count() -> None:
    known = [*FINISHED, trial(3, curve(0.0, 0.82))]
    heard = Listens()
    run(Study("s", SPACE, rises, heard, early_stop=ACCURACY, known=known))
    assert [t.value for t in heard.sent[0]] == [20.0, 90.0, 10.0, 20.0]
    without = Listens()
    run(Study("s", SPACE, rises, without, known=known))
    assert without.sent[0] == known


def crosses(params: Params, context: Context) -> float:
    """As `rises`, and another parameter makes a slow start, which means nothing in the end."""
    for step in range(1, 7):
        context.report(step, accuracy=(1 - params["x"]) * step / 6 - params["y"] * (6 - step) / 12)
    return 100.0 * float(params["x"])


MODELS: Mapping[str, StrategyBase] = {
    "tpe": Bayesian(trials=30, batch_size=5),
    "cmaes": Bayesian(trials=30, batch_size=5, sampler="cmaes"),
    "gaussian process": GaussianProcess(trials=24, batch_size=5),
    "staged": Staged(trials=30, preflight=False),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_come_to_the_same_at_any_number_of_workers_and_after_a_resume(
    name: str, resume: Callable[[Study, Sequence[Trial]], Result]
) -> None:
    if name == "cmaes":
        pytest.importorskip("cmaes")
    space = Space(x=Float(0.0, 1.0), y=Float(0.0, 1.0))
    study = Study("s", space, crosses, MODELS[name], early_stop=ACCURACY, seed=3)
    whole = run(study).trials
    assert any(t.status is Status.STOPPED for t in whole)
    assert table(run(study, jobs=2, backend="threading").trials) == table(whole)
    assert table(resume(study, whole[:17]).trials) == table(whole)
