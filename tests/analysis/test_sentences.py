"""Sentences on the confidence in a result: from real studies on digits."""

from __future__ import annotations

from dataclasses import replace

from hpsearch import Float, Space, Study, data
from hpsearch.analysis.conclusions import Conclusions
from hpsearch.analysis.sentences import describe_confidence, describe_doubling, describe_flattery, describe_test_error
from hpsearch.objectives import TrainNetwork
from hpsearch.report.report import report
from hpsearch.search.result import Result
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker

STUDY = Study(
    "trusted", Space(learning_rate=Float(0.1, 3.0, log=True)), TrainNetwork(data.digits(), hidden=(10,), epochs=2), Random(8)
)


def said(result: Result) -> list[str]:
    """Return everything that is said of the confidence in a result."""
    found = Conclusions(result.findings)
    return [*describe_confidence(found), *describe_flattery(found), *describe_doubling(found)]


def test_single_runs_are_judged_by_the_rows_they_were_counted_on() -> None:
    result = STUDY.run(backend="sequential", tracker=MemoryTracker())
    once, lead, hint, flattery, more = said(result)
    assert once == "Every setting was run once."
    assert "runner-up" in lead
    assert "from shares counted on 359 validation rows without the noise of the seed" in lead
    assert "confirm=3" in hint
    assert "best of 8 noisy ones" in flattery
    assert "counted on 359 validation rows" in flattery
    assert more.startswith("Another 8 trials are expected to improve the best value by")
    assert "How sure it is" in report(result)


def test_replicates_are_their_own_measure_of_noise() -> None:
    result = replace(STUDY, strategy=Random(3), replicates=3).run(backend="sequential", tracker=MemoryTracker())
    assert any("from the replicates" in sentence for sentence in said(result))
    assert said(result)[0].startswith("Its 3 runs lie between")


def test_a_study_without_noise_or_trials_says_nothing_false() -> None:
    space = Space(x=Float(0.0, 1.0))
    result = Study("plain", space, _square, Random(3)).run(backend="sequential", tracker=MemoryTracker())
    once, lead, _ = said(result)
    assert once == "Every setting was run once, so chance cannot be ruled out."
    first, second = sorted(trial.value for trial in result.trials)[:2]
    assert lead.endswith(f" is {second - first:.4g} behind.")
    result = Study("none", space, _broken, Random(3)).run(backend="sequential", tracker=MemoryTracker())
    assert said(result) == []


def test_the_opened_test_part_shows_how_much_too_good_the_value_looked() -> None:
    result = STUDY.run(backend="sequential", tracker=MemoryTracker())
    scores = result.test()
    found = Conclusions(result.findings)
    assert f"test error {scores['test_error']:.4g}" in describe_test_error(found, scores)
    seen = found.chosen.mean  # type: ignore[union-attr]
    clear, chance = (describe_test_error(found, {"test_error": seen + difference}) for difference in (0.25, 0.01))
    assert "(359 rows), test error" in clear
    assert "looked 0.25 ± 0.029 better than it is (difference ± standard error): this is more than chance explains" in clear
    assert "looked 0.01 ± 0.021 better than it is (difference ± standard error): this may be chance." in chance
    unknown = Conclusions(replace(result.findings, test_rows=0))
    assert describe_test_error(unknown, {"test_error": seen + 0.25}).endswith("looked 0.25 better than it is.")
    assert describe_test_error(found, {"test_accuracy": 0.5}) == ""


def test_a_score_on_the_test_part_is_compared_with_that_on_the_validation_part() -> None:
    network = TrainNetwork(data.digits(), hidden=(10,), epochs=1, scoring="f1_macro")
    result = replace(STUDY, objective=network, strategy=Random(2)).run(backend="sequential", tracker=MemoryTracker())
    found, seen = Conclusions(result.findings), result.value(result.best)
    said = describe_test_error(found, {"test_f1_macro": seen - 0.25})
    assert said.startswith(f"Validation f1_macro {seen:.4g}, test f1_macro {seen - 0.25:.4g}: ")
    assert said.endswith("the best setting looked 0.25 better than it is.")
    assert "looked 0.01 worse than it is" in describe_test_error(found, {"test_f1_macro": seen + 0.01})
    assert describe_test_error(found, {"test_error": 0.1}) == ""


def _square(params: dict[str, float]) -> float:
    return params["x"] ** 2


def _broken(params: dict[str, float]) -> float:
    raise ValueError("no luck")
