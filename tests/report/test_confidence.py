"""What is said of the trust in a result: from real studies on digits."""

from __future__ import annotations

from dataclasses import replace

from hpsearch import Float, Space, Study, data
from hpsearch.objectives import TrainNetwork
from hpsearch.report.confidence import optimism_seen, trust
from hpsearch.report.report import report
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker

STUDY = Study(
    "trusted", Space(learning_rate=Float(0.1, 3.0, log=True)), TrainNetwork(data.digits(), hidden=(10,), epochs=2), Random(8)
)


def test_single_runs_are_judged_by_the_rows_they_were_counted_on() -> None:
    result = STUDY.run(backend="sequential", tracker=MemoryTracker())
    flattery, lead, more = trust(result)
    assert "best of 8 noisy ones" in flattery
    assert "counted on 359 validation rows" in flattery
    assert "runner-up" in lead
    assert more.startswith("Another 8 trials are expected to bring")
    assert "How much to trust it" in report(result)


def test_replicates_say_themselves_how_noisy_they_are() -> None:
    result = replace(STUDY, strategy=Random(3), replicates=3).run(backend="sequential", tracker=MemoryTracker())
    assert "from the replicates" in trust(result)[0]


def test_a_study_without_noise_or_trials_says_nothing_false() -> None:
    space = Space(x=Float(0.0, 1.0))
    result = Study("plain", space, _square, Random(3)).run(backend="sequential", tracker=MemoryTracker())
    assert trust(result) == []
    result = Study("none", space, _broken, Random(3)).run(backend="sequential", tracker=MemoryTracker())
    assert trust(result) == []


def test_the_opened_test_part_shows_the_optimism_that_was() -> None:
    result = STUDY.run(backend="sequential", tracker=MemoryTracker())
    scores = result.test()
    assert f"test error {scores['test_error']:.4g}" in optimism_seen(result, scores)
    assert optimism_seen(result, {"test_accuracy": 0.5}) == ""


def _square(params: dict[str, float]) -> float:
    return params["x"] ** 2


def _broken(params: dict[str, float]) -> float:
    raise ValueError("no luck")
