"""What the report says in sentences, against studies whose answer is known beforehand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from hpsearch import Context, Float, Space
from hpsearch.report import findings
from hpsearch.report.report import report
from hpsearch.search.result import Result
from hpsearch.strategies import Random
from hpsearch.trial import Params
from tests.plots.sample import STUDIES, result

RATES = Space(rate=Float(0.0, 1.0), other=Float(0.0, 1.0))


def trained(params: Params, context: Context) -> float:
    """Costs that fall in tiny even steps for small rates, and explode for large ones."""
    for epoch in range(1, 21):
        cost = 1.0 - 0.01 * epoch if params["rate"] < 0.5 else 1.2**epoch
        context.report(epoch, training_cost=cost, validation_cost=cost, validation_accuracy=0.1)
    return float(abs(params["rate"] - 0.25))


def studied(trials: int, objective: Any = trained, space: Space = RATES) -> Result:
    return result(space, objective, strategy=Random(trials=trials))


def test_the_best_trial_is_read_first_and_all_are_counted() -> None:
    found = studied(12)
    slow = sum(trial.params["rate"] < 0.5 for trial in found.trials)
    best, counts = findings.curves_say(found.findings)
    assert best.startswith(
        f"The best trial, {found.best.number}: rate too low: Cost crept evenly from 0.99 to 0.8 in 20 epochs"
    )
    assert "Raise learning_rate" in best
    head, _, kinds = counts.rstrip(".").partition(": ")
    assert head == "Of the curves of 12 trials"
    assert set(kinds.split(", ")) == {f"rate too low {slow}", f"diverged {12 - slow}"}


def test_of_many_trials_the_best_and_an_even_choice_are_read() -> None:
    _, counts = findings.curves_say(studied(310).findings)
    assert counts.startswith("Of the curves of 300 trials, the best and an even choice of the 310 that have some: ")


def test_without_curves_that_is_said() -> None:
    (said,) = findings.curves_say(studied(5, lambda params: params["rate"]).findings)
    assert said.startswith("No trial has curves")


def test_a_range_that_was_too_narrow_is_told_with_where_to_move_it() -> None:
    space = Space(rate=Float(1e-3, 1.0, log=True), other=Float(2.0, 4.0))
    said = list(findings.look_next(studied(60, lambda params: -math.log(params["rate"]), space).findings))
    assert said[0].startswith("Widen rate: the best value 0.8")
    assert "lies at the upper end of 0.001 to 1; search 0.001 to 10, log scale" in said[0]
    inside = list(findings.look_next(studied(60, lambda params: (params["rate"] - 0.5) ** 2 + params["other"] / 9).findings))
    assert not any("Widen rate" in sentence for sentence in inside)


def test_parameters_that_act_together_are_named() -> None:
    said = list(findings.look_next(studied(120, lambda params: (params["rate"] - params["other"]) ** 2).findings))
    assert said[-1].startswith("rate and other act together: ")
    apart = list(findings.look_next(studied(120, lambda params: params["rate"] + params["other"]).findings))
    assert apart[-1].startswith("No two parameters act together noticeably")


@pytest.mark.parametrize("name", ["all failed", "one trial", "one constant value", "hostile names"])
def test_awkward_studies_have_sentences_too(name: str) -> None:
    found = STUDIES[name]().findings
    for verdict in (findings.curves_say, findings.look_next):
        assert not any("could not be told" in sentence for sentence in findings.safely(verdict, found))


def test_a_verdict_that_fails_is_a_sentence() -> None:
    def broken(findings: Any) -> Any:
        raise ZeroDivisionError("planted")

    assert findings.safely(broken, studied(1).findings) == ["This could not be told: ZeroDivisionError: planted"]


def test_the_report_holds_the_sentences() -> None:
    page = report(studied(12), {})
    assert "<h2>What the curves say</h2><ul><li>The best trial, " in page
    assert "<h2>Where to look next</h2><ul><li>" in page
