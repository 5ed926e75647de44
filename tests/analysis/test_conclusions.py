"""Conclusions of studies whose answer is known beforehand, and that every renderer says the same."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from scipy import stats

from hpsearch import Context, Float, Space, Study
from hpsearch.analysis import sentences
from hpsearch.analysis.conclusions import Conclusions
from hpsearch.analysis.findings import Findings
from hpsearch.ports import DataRecord, PartRecord, TrackedStudy
from hpsearch.report.report import report
from hpsearch.search.result import Result
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker
from hpsearch.tracking.pages.note import for_experiment, markdown
from hpsearch.tracking.pages.page import Page
from hpsearch.trial import PREFLIGHT, Outcome, Params, Status, Trial, lowest
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


def widen(found: Result) -> list[str]:
    return list(sentences.describe_edges(Conclusions(found.findings)))


def together(found: Result) -> list[str]:
    return list(sentences.describe_interactions(Conclusions(found.findings)))


def test_the_best_trial_is_read_first_and_all_are_counted() -> None:
    found = studied(12)
    slow = sum(trial.params["rate"] < 0.5 for trial in found.trials)
    best, counts = sentences.describe_curves(Conclusions(found.findings))
    assert best.startswith(
        f"The best trial, {found.best.number}: rate too low: Cost crept evenly from 0.99 to 0.8 in 20 epochs"
    )
    assert "Raise learning_rate" in best
    head, _, kinds = counts.rstrip(".").partition(": ")
    assert head == "Of the curves of 12 trials"
    assert set(kinds.split(", ")) == {f"rate too low {slow}", f"diverged {12 - slow}"}


def test_of_many_trials_the_best_and_an_even_choice_are_read() -> None:
    _, counts = sentences.describe_curves(Conclusions(studied(310).findings))
    assert counts.startswith("Of the curves of 300 trials, the best and an even sample of the 310 that have some: ")


def test_without_curves_that_is_said() -> None:
    (said,) = sentences.describe_curves(Conclusions(studied(5, lambda params: params["rate"]).findings))
    assert said.startswith("No trial has curves")


def test_a_range_that_was_too_narrow_is_told_with_where_to_move_it() -> None:
    space = Space(rate=Float(1e-3, 1.0, log=True), other=Float(2.0, 4.0))
    said = widen(studied(60, lambda params: -math.log(params["rate"]), space))
    assert said[0].startswith("Widen rate: the best value 0.8")
    assert "lies at the upper end of 0.001 to 1; search 0.001 to 10, log scale" in said[0]
    assert widen(studied(60, lambda params: (params["rate"] - 0.5) ** 2 + params["other"] / 9)) == []


def test_parameters_that_act_together_are_named() -> None:
    (said,) = together(studied(120, lambda params: (params["rate"] - params["other"]) ** 2))
    assert said.startswith("rate and other act together: ")
    (apart,) = together(studied(120, lambda params: params["rate"] + params["other"]))
    assert apart.startswith("No two parameters act together: ")


@pytest.mark.parametrize("name", ["all failed", "one trial", "one constant value", "hostile names"])
def test_awkward_studies_have_sentences_too(name: str) -> None:
    found = STUDIES[name]()
    assert "This could not be computed" not in report(found, {})
    assert list(sentences.describe_curves(Conclusions(found.findings)))


def test_a_conclusion_that_fails_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(conclusions: Any) -> Any:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(sentences, "describe_curves", broken)
    page = report(studied(1), {})
    assert "This could not be computed: ZeroDivisionError: planted" in page
    assert "<h2>What to do next</h2>" in page


def test_the_report_holds_the_sentences() -> None:
    page = report(studied(12), {})
    assert "<h2>What the curves say</h2><ul><li>The best trial, " in page
    assert "<h2>What to do next</h2><ul><li>" in page


def test_failures_are_counted_without_what_was_stopped_early_and_without_checks() -> None:
    """Six trials of the search: two failed alike, one diverged, one was stopped; a check before it failed too."""
    ends = [Status.FINISHED, Status.FAILED, Status.STOPPED, Status.FAILED, Status.DIVERGED, Status.FINISHED]
    errors = {Status.FAILED: "ValueError: no", Status.DIVERGED: "the value was nan"}
    trials = [Trial(0, {"rate": 0.5}, PREFLIGHT, Status.FAILED, error="ValueError: check")]
    trials += [
        Trial(n, {"rate": n / 9}, "all", end, Outcome(1.0) if end is Status.FINISHED else None, error=errors.get(end))
        for n, end in enumerate(ends, 1)
    ]
    found = Conclusions(Findings("counted", "value", False, RATES, trials, lowest(trials)))
    assert [(f.kind, f.reason, [t.number for t in f.trials]) for f in found.failures] == [
        ("failed", "ValueError: no", [2, 4]),
        ("diverged", "the value was nan", [5]),
    ]
    assert [trial.number for trial in found.stopped] == [3]
    (said,) = sentences.describe_failures(found)
    assert said.startswith("Look into failures: 3 of 7 trials returned no value (2 failed, 1 diverged). The first, trial 2: ")
    assert sentences.list_failures(found) == [
        "2 failed (first: trial 2): ValueError: no",
        "1 diverged (first: trial 5): the value was nan",
        "1 stopped early (first: trial 3): its curve lagged",
    ]


# --- the MLflow page and the report say the same


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("errors", [1.90, 1.97, 1.98, 2.05, 4.25, 4.35])
def test_page_and_report_agree_on_a_lead_over_three_seeds(errors: float, maximize: bool) -> None:
    """Paired differences d - 1, d, d + 1 have the standard error 1 / sqrt(3); scipy's t test decides between the verdicts."""
    differences = [errors / math.sqrt(3) + shift for shift in (-1.0, 0.0, 1.0)]
    clear = stats.ttest_1samp(differences, 0.0).pvalue < 0.05
    assert clear == (errors > 4.303)
    agree(recorded([[5.0, 6.0, 7.0], [5.0 + d + i for i, d in enumerate(differences)]], maximize), clear)


@pytest.mark.parametrize(("errors", "clear"), [(1.90, False), (1.95, False), (1.97, True), (1.98, True), (2.05, True)])
def test_page_and_report_agree_on_a_lead_of_single_runs(errors: float, clear: bool) -> None:
    """Error rates of .2 and more on 101 rows: each varies by .04 as the binomial says, their difference by .04 sqrt(2)."""
    data = DataRecord("rows", "c" * 64, 2, 2, (PartRecord("validation", 101, "a" * 64),))
    agree(recorded([[0.2], [0.2 + errors * 0.04 * math.sqrt(2)]], measure="validation error", data=data), clear)


def test_page_and_report_agree_where_nothing_says_how_noisy_a_value_is() -> None:
    agree(recorded([[0.2], [0.4]]), None)


@pytest.mark.parametrize("maximize", [False, True])
def test_page_and_report_widen_the_same_ranges(maximize: bool) -> None:
    """Five leaders, two of them at the end: the best one must not be counted twice to make it three."""
    values = [[0.1], [0.2], [0.3], [0.4], [0.5]]
    found = recorded(values, maximize, rates=[9.9, 9.8, 5.0, 4.0, 3.0])
    assert widen(found) == []
    assert "Widen" not in note_of(found) + report(found, {})
    found = recorded(values, maximize, rates=[9.9, 9.8, 9.7, 4.0, 3.0])
    (said,) = widen(found)
    assert said.replace("Widen rate", "Widen **rate**") in note_of(found)
    assert said in report(found, {})


def agree(found: Result, clear: bool | None) -> None:
    """Check that the note, the note of the experiment and the report have the same verdict on the lead."""
    verdicts = {True: "this is more than chance explains", False: "this may be chance", None: "chance cannot be ruled out"}
    for text in (note_of(found), for_experiment(page_of(found)), report(found, {})):
        assert [verdict for verdict, sentence in verdicts.items() if sentence in text] == [clear]


def note_of(found: Result) -> str:
    return markdown(page_of(found))


def page_of(found: Result) -> Page:
    return Page(TrackedStudy(found.record, found.study.space, found.study.choose), found.trials, "finished", "1")


def recorded(values: Any, maximize: bool = False, rates: Any = (0.5, 0.4), **record: Any) -> Result:
    """Return a result with given values, a list of seeds per setting, minimised; no objective is run."""
    study = Study(
        "agreed",
        Space(rate=Float(0.0, 10.0), other=Float(0.0, 1.0)),
        _unused,
        Random(trials=2),
        maximize=maximize,
        replicates=max(map(len, values)),
    )
    params = [{"rate": rate, "other": 0.5} for rate in rates]
    runs = [(one, seed, value) for one, seeds in zip(params, values, strict=True) for seed, value in enumerate(seeds)]
    trials = [
        Trial(n, setting, "all", Status.FINISHED, Outcome(value), replicate=seed)
        for n, (setting, seed, value) in enumerate(runs)
    ]
    return Result(study, trials, replace(study.record(), **record), MemoryTracker())


def _unused(params: Params) -> float:
    return params["rate"]
