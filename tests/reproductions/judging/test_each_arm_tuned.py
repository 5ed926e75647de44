"""The comparison of contenders that are each tuned: small from end to end, and its rows against numbers made up here."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hpsearch import data
from hpsearch.analysis.contest import Contest
from hpsearch.data import Dataset
from hpsearch.reproductions.judging.each_arm_tuned import (
    CROSS_ENTROPY,
    DROPOUT,
    FULL,
    MINUTES,
    QUADRATIC,
    SVM,
    contenders,
    rows,
    run,
    size,
)
from hpsearch.reproductions.reproduction import NOT_JUDGED, Options
from hpsearch.tracking.memory import MemoryTracker
from hpsearch.trial import Outcome, Status, Trial

ERRORS = {
    CROSS_ENTROPY: (0.10, 0.11, 0.12),
    QUADRATIC: (0.11, 0.11, 0.11),
    DROPOUT: (0.0899, 0.1, 0.1101),
    SVM: (0.05, 0.06, 0.07),
}


def contest(errors: Mapping[str, tuple[float, ...]]) -> Contest:
    searches = {
        name: [[Trial(0, {}, "all", Status.FINISHED, Outcome(value + i * 1e-4))] for i, value in enumerate(values)]
        for name, values in errors.items()
    }
    return Contest(searches, "trials", None, "validation error")


def test_a_lead_has_its_sign_and_its_verdict() -> None:
    found = {row.what: row for row in rows(contest(ERRORS))}
    reached = found[f"best validation accuracy, {CROSS_ENTROPY}"]
    # Errors .1, .1101, .1202: mean .1101, s .0101; t with 2 degrees of freedom 4.303, so -+ 4.303 * 1.01 / sqrt(3) = 2.51.
    assert reached.ours == "88.99 % (mean of 3 searches, ± 2.51)"
    svm = found[f"{CROSS_ENTROPY} over {SVM}, each tuned"]
    assert svm.ours.startswith("-5.00 points (99.17 % interval -5.00 to ")
    assert svm.verdict == f"differs: {SVM} is ahead"
    assert found[f"{DROPOUT} over {CROSS_ENTROPY}, each tuned"].verdict == "as published"
    assert found[f"{CROSS_ENTROPY} over {QUADRATIC}, each tuned"].verdict == "a tie"


def few() -> Dataset:
    return data.digits()


def test_it_runs_and_a_smoke_run_has_a_record_of_its_own() -> None:
    tracker = MemoryTracker()
    found = run(Options(lambda: tracker, jobs=1, smoke=True, say=lambda _: None), few)
    assert {row.verdict for row in found.rows} == {NOT_JUDGED}
    assert list(tracker.studies) == ["each-arm-tuned-smoke"]
    assert len(tracker.studies["each-arm-tuned-smoke"].trials) == 4 * 3
    assert set(found.files) == {"plots/comparison.png", "comparison.html"}


@pytest.mark.parametrize(
    ("options", "trials", "label"),
    [({}, 16, ""), ({"full": True}, 32, "-full"), ({"trials": 3}, 3, "-3"), ({"smoke": True}, 2, "-smoke")],
)
def test_sizes_do_not_meet_in_a_store(options: dict[str, int], trials: int, label: str) -> None:
    wanted = size(Options(MemoryTracker, **options))  # type: ignore[arg-type]
    assert (wanted.trials, wanted.label) == (trials, label)
    assert wanted.repetitions >= 3


def test_every_contender_has_the_same_trials_and_a_space_of_its_own() -> None:
    studies = contenders(data.digits(), MINUTES)
    assert {study.proposer.trials for study in studies} == {MINUTES.trials}
    assert len({repr(study.space) for study in studies}) == 4
    assert FULL.repetitions == 20
