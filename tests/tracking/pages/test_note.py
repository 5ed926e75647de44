"""The note of a study: true at every moment, for single runs and for replicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from hpsearch.ports import DataRecord, PartRecord, StudyRecord, TrackedStudy
from hpsearch.space import Float, Space
from hpsearch.tracking.pages.note import for_experiment, markdown, title
from hpsearch.tracking.pages.page import Page
from hpsearch.trial import CONFIRM, PREFLIGHT, Outcome, Status, Trial, lowest

SPACE = Space(rate=Float(0.01, 10.0, log=True), decay=Float(0.0, 1.0))
PARTS = (PartRecord("training", 100, "a" * 64), PartRecord("test", 20, "b" * 64, sealed=True))
DATA = DataRecord("blobs", "c" * 64, 2, 3, PARTS)
# Not UTC's epoch itself: 2023-11-14 22:13:20 UTC.
WRITTEN = 1.7e9


def trial(number: int, value: float | None, rate: float = 1.0, **more: Any) -> Trial:
    """Return a trial of its own setting, failed where it has no value."""
    status = Status.FINISHED if value is not None else Status.FAILED
    outcome = None if value is None else Outcome(value, {"epochs": 3.0})
    fields = {"stage": "all", "error": None if value is not None else "ValueError: no", "seconds": 0.5} | more
    return Trial(number, {"rate": rate, "decay": number / 100 + 0.4}, fields.pop("stage"), status, outcome, **fields)


def page(trials: Sequence[Trial], status: str = "finished", **more: Any) -> str:
    record = StudyRecord("blobs-rates", "Which rate?", {"strategy": "Random(trials=3)"}, {}, measure="error", data=DATA)
    record = replace(record, **{key: more.pop(key) for key in list(more) if key in ("name", "maximize", "source", "facts")})
    study = TrackedStudy(record, SPACE, more.pop("choose", lowest))
    runs = {t.number: f"run{t.number}" for t in trials}
    return markdown(Page(study, trials, status, "7", runs, "parent", "studies/blobs.py", written=WRITTEN, **more))


def replicated() -> list[Trial]:
    """Return two settings under three seeds: means 2 and 4, differences 1, 2, 3."""
    values = {0: (1.0, 2.0, 3.0), 3: (2.0, 4.0, 6.0)}
    return [
        replace(trial(first, value), number=first + seed, replicate=seed)
        for first, of_setting in values.items()
        for seed, value in enumerate(of_setting)
    ]


def test_what_nothing_beats_stands_beside_the_result() -> None:
    facts = {"python": "3.12", "baseline": "0.25 by always predicting the most frequent class"}
    lines = page([trial(0, 0.5), trial(1, 0.25)], facts=facts).splitlines()
    assert lines[1] == "No trial is better than always predicting the most frequent class (error 0.25).  "
    assert lines[2] == "Question: Which rate?  "
    assert "Run with python 3.12." in lines
    assert "frequent" not in page([trial(0, 0.5), trial(1, 0.2)], facts=facts)


def test_the_first_line_is_the_result() -> None:
    lines = page([trial(0, 0.5), trial(1, 0.25), trial(2, None)]).splitlines()
    link = "[trial 001](#/experiments/7/runs/run1?workflowType=machine_learning)"
    assert lines[0] == f"**Best error 0.25 in {link} (3 trials, finished).**  "
    assert lines[1] == "Question: Which rate?  "
    assert lines[2] == "Best setting: rate **1**, decay **0.41**.  "
    first = "[trial 000](#/experiments/7/runs/run0?workflowType=machine_learning)"
    assert lines[3] == (
        f"How sure: Every setting was run once, so chance cannot be ruled out. The runner-up, {first}, is 0.25 behind."
        " Set confirm=3 in the study and run it again to repeat the leaders under five fresh seeds each."
    )


def test_replicates_speak_with_mean_and_error() -> None:
    """By hand: 2 +- 1 / sqrt(3); the paired difference is 2 +- 1 / sqrt(3), t = 3.46 with 2 degrees of freedom: p = .074."""
    note = page(replicated())
    assert note.startswith("**Best error 2 ± 0.58 (mean ± standard error over 3 seeds) in [trial 000]")
    assert "Its 3 runs lie between 1 and 3. The runner-up, [trial 003]" in note
    assert "is 2 ± 0.58 behind (difference ± standard error): this may be chance." in note
    assert "0 of 1 other setting lie within one standard error of it." in note
    assert "confirm=3" not in note


def test_what_is_more_than_chance_is_called_so() -> None:
    """Differences 2, 2.1, 2.2: 2.1 +- .058, t = 36."""
    trials = [*replicated()[:3], *(replace(trial(3, v), number=3 + i, replicate=i) for i, v in enumerate((3.0, 4.1, 5.2)))]
    assert "is 2.1 ± 0.058 behind (difference ± standard error): this is more than chance explains" in page(trials)


def test_confirmed_leaders_count_instead_of_lucky_trials() -> None:
    lucky = trial(0, 0.1)
    confirmed = [replace(trial(1, value), number=1 + i, replicate=1 + i, stage=CONFIRM) for i, value in enumerate((0.4, 0.6))]
    assert page([lucky, *confirmed]).startswith("**Best error 0.5 ± 0.1 (mean ± standard error over 2 seeds) in [trial 001]")


def test_the_rule_of_the_study_decides() -> None:
    from hpsearch.trial import candidates

    note = page([trial(0, 0.5), trial(1, 0.25)], choose=lambda trials: candidates(trials)[0])
    assert note.startswith("**Best error 0.5 in [trial 000]")
    assert "0.25 ahead, but the study's rule prefers this setting" in note


def test_maximised_values_are_shown_as_they_were() -> None:
    assert page([trial(0, -0.9)], maximize=True).startswith("**Best error 0.9 in")
    runs = [replace(t, outcome=Outcome(-t.value)) for t in replicated()]
    assert "Its 3 runs lie between 2 and 6." in page(runs, maximize=True)


def test_a_tie_is_called_level() -> None:
    second = "[trial 001](#/experiments/7/runs/run1?workflowType=machine_learning)"
    assert f"{second}, is level. " in page([trial(0, 0.5), trial(1, 0.5)])
    assert f"{second}, is level, as is 1 more. " in page([trial(n, 0.5) for n in range(3)])


def test_failed_checks_are_failures_where_they_ended_the_study() -> None:
    check = trial(0, None, stage=f"{PREFLIGHT}: overfit")
    assert "1 of 1 trial returned no value" in page([check])
    assert "returned no value" not in page([check], "running")
    assert "returned no value" not in page([check, trial(1, 0.5)])


@pytest.mark.parametrize(
    ("status", "said", "next_step"),
    [
        ("running", "1 trial, running at 2023-11-14 22:13 UTC", "resume it with `hpsearch run studies/blobs.py`"),
        ("killed", "1 trial, interrupted", "- Resume the study with `hpsearch run studies/blobs.py`."),
        ("failed", "1 trial, ended by an error", "- Resume the study with `hpsearch run studies/blobs.py`."),
        ("finished", "1 trial, finished", "- `hpsearch report blobs-rates` writes the report."),
    ],
)
def test_the_note_is_true_at_every_moment(status: str, said: str, next_step: str) -> None:
    note = page([trial(0, 0.5)], status)
    assert f"({said}).**" in note.splitlines()[0]
    assert next_step in note
    assert ("hpsearch test blobs-rates" in note) == (status == "finished")


def test_no_result_is_told_as_it_is() -> None:
    assert page([], "running").startswith("**No result yet (0 trials, running at")
    note = page([trial(0, None), trial(1, None)])
    assert note.startswith("**No trial finished with a value (2 trials, finished).**")
    assert "2 of 2 trials returned no value (2 failed). The first, [trial 000]" in note
    assert "ValueError: no. `hpsearch rerun blobs-rates 0` runs it again." in note


def test_stopped_trials_are_no_failures() -> None:
    stopped = replace(trial(1, None), status=Status.STOPPED)
    assert "returned no value" not in page([trial(0, 0.5), stopped])
    assert "returned no value" in page([trial(0, 0.5), replace(stopped, status=Status.FAILED)])


def test_a_range_that_was_too_narrow_is_to_be_widened() -> None:
    note = page([trial(n, 0.1 * n, rate=9.9) for n in range(1, 4)])
    assert "- Widen **rate**: the best value 9.9 lies at the upper end of 0.01 to 10; search 0.01 to 100, log scale." in note
    assert "Widen" not in page([trial(n, 0.1 * n) for n in range(1, 4)])


def test_a_fault_in_the_best_trial_s_curves_is_told_with_the_remedy() -> None:
    def trained(costs: Sequence[float]) -> Trial:
        history = {"training_cost": tuple(enumerate(costs, 1)), "validation_cost": tuple(enumerate(costs, 1))}
        return replace(trial(0, 0.5), outcome=Outcome(0.5, history=history))

    note = page([trained([1 - 0.01 * epoch for epoch in range(20)]), trial(1, 0.75)])
    assert "- Read the curves of [trial 000]" in note
    assert "rate too low: Cost crept evenly from 1 to 0.81 in 20 epochs" in note
    assert "Read the curves" not in page([trial(0, 0.5)])


def test_costs_are_added_up_once() -> None:
    """Trial 1 goes on with trial 0 from epoch 3 to epoch 9: nine epochs in all."""
    further = replace(trial(1, 0.4), continues=0, outcome=Outcome(0.4, {"epochs": 9.0}))
    assert "Spent: 2 trials (2 finished), 9 epochs, 1.0 s of computing." in page([trial(0, 0.5), further])


def test_data_and_code_are_named() -> None:
    assert "- **data**: blobs, 2 features, 3 classes; 100 rows training, 20 rows test (sealed); SHA-256 cccccccccccc" in page(
        []
    )


def test_the_picture_and_the_ways_in_are_linked() -> None:
    note = page([trial(0, 0.5)], pictures=("plots/history.png",))
    assert "![history](/get-artifact?path=plots/history.png&run_uuid=parent)" in note
    assert "[their charts](#/experiments/7/runs?workflowType=machine_learning&searchFilter=" in note
    assert "viewStateShareKey=hpsearch-parent&compareRunsMode=CHART)" in page([trial(0, 0.5)], shared=True)
    assert "![" not in page([trial(0, 0.5)])


def test_the_note_of_the_experiment_begins_in_plain_text() -> None:
    study = TrackedStudy(StudyRecord("s", "Which?", {}, {}), SPACE)
    assert for_experiment(Page(study, [trial(0, 0.5)], "finished", "7")).startswith(
        "Best value 0.5 in trial 000 (1 trial, finished).\n\n"
    )


def test_names_say_the_result_first() -> None:
    study = TrackedStudy(StudyRecord("n" * 300, "", {}, {}), SPACE)
    short = replace(study, record=replace(study.record, name="mnist-random"))
    assert title(short, [trial(0, 97.6)]) == "best 97.6 | mnist-random"
    assert title(study, []) == "no result yet | " + "n" * 43 + "…"
