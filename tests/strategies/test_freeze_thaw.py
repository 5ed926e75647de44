"""Halving with a memory: rounds and prices worked out by hand, thawed trials, extension, odd values and spaces, errors."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hpsearch import Choice, Float, Int, Outcome, Space, Status, Study, Trial
from hpsearch.errors import SettingError, StudyError
from hpsearch.ports import Batch, Proposal
from hpsearch.strategies import FreezeThaw
from hpsearch.strategies.known_settings import best_known
from hpsearch.testing import drive
from hpsearch.tracking import MemoryTracker
from tests.strategies.scores import Score, ended_by

LINE = Space(x=Float(0.0, 1.0))


def run(
    strategy: FreezeThaw, score: Score, space: Space = LINE, known: list[Trial] | None = None, seed: int = 0
) -> tuple[list[Batch], list[Trial]]:
    """Drive a strategy; the score is handed the trial's number and the proposal, None is a failed trial."""
    return drive(strategy, space, seed, end=ended_by(score), known=known or [])


def closeness(number: int, proposal: Proposal) -> float:
    """A value that falls with training, to a limit that the setting decides."""
    return (float(proposal.params["x"]) - 0.3) ** 2 + 0.1 / (proposal.budget or 1)


def spent(trials: list[Trial]) -> int:
    return sum((t.budget or 0) - (0 if t.continues is None else trials[t.continues].budget or 0) for t in trials)


def table(trials: list[Trial]) -> list[Any]:
    return [(trial.params, trial.budget, trial.continues) for trial in trials]


def shape(batches: list[Batch]) -> list[tuple[str, int, int | None]]:
    return [(batch.stage, len(batch.proposals), batch.proposals[0].budget) for batch in batches]


def test_rounds_as_in_the_docstring() -> None:
    batches, trials = run(FreezeThaw(epochs=81 + 63), closeness)
    assert shape(batches) == [
        *[("round-0 rung-0", 9, 1)] * 3, ("round-0 rung-1", 9, 3), ("round-0 rung-2", 3, 9), ("round-0 rung-3", 1, 27),
        ("round-1 rung-1", 9, 3), ("round-1 rung-2", 3, 9), ("round-1 rung-3", 1, 27),
    ]  # fmt: skip
    assert spent(trials) == 144


@pytest.mark.parametrize(
    ("most", "rungs"),
    [(2, (1, 2)), (3, (1, 3)), (10, (1, 3, 10)), (16, (1, 3, 9, 16)), (27, (1, 3, 9, 27)), (30, (1, 3, 9, 30))],
)
def test_rungs_are_powers_of_three_and_the_full_budget(most: int, rungs: tuple[int, ...]) -> None:
    """A rung is left out where E / rung < sqrt(3): 9 of 10 and 27 of 30, not 9 of 16."""
    assert FreezeThaw(epochs=1000, max_epochs=most).rungs == rungs


def test_the_first_rung_may_be_longer() -> None:
    assert FreezeThaw(epochs=1000, min_epochs=4, max_epochs=100).rungs == (4, 12, 36, 100)


def test_new_configurations_of_two_rungs_begin_at_the_first() -> None:
    batches, _ = run(FreezeThaw(epochs=27 + 9 * 2 + 9 + 3 * 2, max_epochs=3), closeness)
    assert shape(batches)[4:] == [("round-1 rung-0", 9, 1), ("round-1 rung-1", 3, 3)]


@pytest.mark.parametrize("epochs", [81, 82, 84, 107, 110, 125, 143, 300])
def test_the_budget_is_never_exceeded_and_a_larger_one_begins_alike(epochs: int) -> None:
    trials = run(FreezeThaw(epochs=epochs), closeness)[1]
    longer = run(FreezeThaw(epochs=350), closeness)[1]
    assert table(trials) == table(longer)[: len(trials)]
    following = longer[len(trials)]
    price = (following.budget or 0) - (0 if following.continues is None else longer[following.continues].budget or 0)
    assert epochs - price < spent(trials) <= epochs


def test_the_best_of_all_that_are_paused_goes_on_whatever_its_round() -> None:
    """The fourth and fifth best of the first round are better than all nine of the second but one."""
    values: dict[int, float] = {}
    drawn = iter([0.0, 0.1, 0.2, 0.3, 0.4])

    def score(number: int, proposal: Proposal) -> float:
        values[number] = next(drawn, 5.0) if proposal.continues is None else values[proposal.continues]
        return values[number]

    _, trials = run(FreezeThaw(epochs=81 + 63), score)
    continued = [trial.continues for trial in trials[49:]]
    # Numbers 36, 37 and 38 went to nine epochs with values 0, .1 and .2, the first of them to 27.
    assert [values[number] for number in continued if number is not None] == [0.3, 0.4, 5.0, 0.1]
    assert continued[-1] == 37


def test_the_best_value_so_far_decides() -> None:
    """A training that got worse keeps what it had: values at nine epochs say the opposite of those before."""

    def score(number: int, proposal: Proposal) -> float:
        return float(proposal.params["x"]) if (proposal.budget or 0) < 9 else 2.0 - float(proposal.params["x"])

    trials = run(FreezeThaw(epochs=81), score)[1]
    last = trials[-1].params["x"]
    assert last == min(trial.params["x"] for trial in trials[36:39])


def test_it_finds_the_best_setting_of_a_bowl() -> None:
    """Known: the least value is at (.3, .3, .3); 27 random points come within a distance of about .2."""
    space = Space(a=Float(0.0, 1.0), b=Float(0.0, 1.0), c=Float(0.0, 1.0))

    def score(number: int, proposal: Proposal) -> float:
        return sum((float(v) - 0.3) ** 2 for v in proposal.params.values()) + 0.01 + 0.3 / (proposal.budget or 1)

    trials = run(FreezeThaw(epochs=350), score, space)[1]
    best = min(trials, key=lambda trial: trial.value)
    assert max(abs(float(v) - 0.3) for v in best.params.values()) < 0.05


@pytest.mark.parametrize("value", [0.0, -3.5, 2.0])
def test_equal_values_raise_nothing(value: float) -> None:
    trials = run(FreezeThaw(epochs=160), lambda n, p: value)[1]
    assert spent(trials) > 140


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_values_of_any_sign_are_learned_from(sign: float) -> None:
    def score(number: int, proposal: Proposal) -> float:
        return sign * 0.5 - 0.4 + closeness(number, proposal)

    trials = run(FreezeThaw(epochs=250), score)[1]
    new = [trial for trial in trials[40:] if trial.continues is None]
    assert np.median([abs(float(trial.params["x"]) - 0.3) for trial in new]) < 0.1


def test_an_infinite_half_of_the_space_raises_nothing() -> None:
    trials = run(FreezeThaw(epochs=160), lambda n, p: math.inf if p.params["x"] > 0.5 else closeness(n, p))[1]
    assert all(trials[t.continues].ok for t in trials if t.continues is not None)


def test_it_ends_with_a_sentence_where_the_whole_first_rung_failed() -> None:
    batches, trials = run(FreezeThaw(), lambda n, p: None)
    assert (len(trials), batches[-1].proposals) == (27, ())
    expected = "None of the 27 trials of the first rung finished, so none is promoted. First error: ValueError: planted."
    assert batches[-1].note == expected


def test_a_later_rung_that_failed_does_not_end_it() -> None:
    """Everything beyond one epoch fails: the rounds go on with new configurations and what is paused."""
    _, trials = run(FreezeThaw(epochs=160), lambda n, p: None if (p.budget or 0) > 1 else closeness(n, p))
    assert spent(trials) > 140
    assert all(trials[t.continues].ok for t in trials if t.continues is not None)


@pytest.mark.parametrize(
    "space",
    [
        Space(c=Choice("a", "b", "c")),
        Space(a=Choice("a", "b"), b=Choice(1, 2, 3)),
        Space(k=Int(3, 3)),
        Space(**{f"x{i}": Float(0.0, 1.0) for i in range(50)}),
    ],
    ids=["one choice", "choices", "a single point", "50 parameters"],
)
def test_spaces_of_any_kind_raise_nothing(space: Space) -> None:
    trials = run(FreezeThaw(epochs=110), lambda n, p: 1.0 + sum(map(len, map(repr, p.params.values()))), space)[1]
    assert spent(trials) > 100


def known_trials() -> list[Trial]:
    line = [Trial(n, {"x": n / 40}, "all", Status.FINISHED, Outcome((n / 40 - 0.3) ** 2 + 0.004)) for n in range(40)]
    failed = Trial(40, {"x": 0.5}, "all", Status.FAILED, None, error="ValueError: planted.")
    return [*line, failed]


def test_known_trials_start_the_model_and_their_best_settings_are_tried_again() -> None:
    trials = run(FreezeThaw(epochs=150), closeness, known=known_trials())[1]
    assert [trial.params["x"] for trial in trials[6:9]] == [12 / 40, 11 / 40, 13 / 40]
    assert table(trials) != table(run(FreezeThaw(epochs=150), closeness)[1])
    new = [trial for trial in trials[40:] if trial.continues is None]
    assert np.median([abs(float(trial.params["x"]) - 0.3) for trial in new]) < 0.1


def test_known_trials_that_all_failed_teach_nothing() -> None:
    failed = [replace(trial, status=Status.FAILED, outcome=None) for trial in known_trials()]
    trials = run(FreezeThaw(epochs=100), closeness, known=failed)[1]
    assert table(trials[:9]) == table(run(FreezeThaw(epochs=100), closeness)[1][:9])  # from then on there is a model
    assert len(run(FreezeThaw(epochs=100), lambda n, p: None, known=failed)[1]) == 27


def test_best_known_settings_are_the_longest_trained_then_the_best_and_all_different() -> None:
    def trial(number: int, x: float, value: float, budget: int | None, stage: str = "all") -> Trial:
        return Trial(number, {"x": x}, stage, Status.FINISHED, Outcome(value), budget)

    trials = [
        trial(0, 0.1, 0.01, 1), trial(1, 0.2, 0.5, 9), trial(2, 0.3, 0.4, 9), trial(3, 0.3, 0.9, None),
        trial(4, 0.4, 0.0, None, "given"), trial(5, 7.0, 0.0, None), trial(6, 0.5, 0.0, None, "pre-flight: loss"),
    ]  # fmt: skip
    assert best_known(LINE, trials, 5) == [{"x": 0.3}, {"x": 0.2}, {"x": 0.1}]
    assert best_known(LINE, trials, 1) == [{"x": 0.3}]


REFUSED: dict[str, dict[str, Any]] = {
    "FreezeThaw epochs must be a whole number >= 81, got 50. "
    "Its first round takes 81 epochs: 27 on 1, 9 on 3, 3 on 9, 1 on 27. Raise epochs, or lower max_epochs.": {"epochs": 50},
    "FreezeThaw epochs must be a whole number >= 81, got 540.0.": {"epochs": 540.0},
    "FreezeThaw max_epochs must be a whole number >= 2, got 1.": {"max_epochs": 1},
    "FreezeThaw max_epochs must be a whole number >= 6, got 5.": {"max_epochs": 5, "min_epochs": 5},
    "FreezeThaw min_epochs must be a whole number >= 1, got 0.": {"min_epochs": 0},
    "FreezeThaw resource must be one of 'epochs', 'rows', got 'n'. Take Halving for a": {"resource": "n"},
    "FreezeThaw trainings must be given with resource='rows', got 5. Leave it out, or add resource='rows'.": {"trainings": 5},
    "FreezeThaw min_rows must be given with resource='rows', got 5.": {"min_rows": 5},
    "FreezeThaw trainings must be a whole number >= 1, got 0. Leave it out.": {"trainings": 0, "resource": "rows"},
    "FreezeThaw epochs must be left out with resource='rows', got 100.": {"epochs": 100, "resource": "rows"},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_bad_settings_are_refused_in_a_sentence(sentence: str) -> None:
    with pytest.raises(SettingError, match=re.escape(sentence)):
        FreezeThaw(**REFUSED[sentence])


def test_rows_are_paid_in_full_and_nothing_is_continued() -> None:
    """900 rows: rungs of 33, 100, 300 and 900, so the first round takes 27 * 33 + 9 * 100 + 3 * 300 + 900 = 3,591 rows."""
    rows = FreezeThaw(resource="rows", trainings=7).on_rows(900, 10)
    batches, trials = run(rows, closeness)
    assert shape(batches)[:6] == [
        *[("round-0 rung-0", 9, 33)] * 3, ("round-0 rung-1", 9, 100), ("round-0 rung-2", 3, 300), ("round-0 rung-3", 1, 900)
    ]  # fmt: skip
    assert all(trial.continues is None for trial in trials)
    assert not rows.continues
    assert 6300 - 900 < sum(trial.budget or 0 for trial in trials) <= 6300


@pytest.mark.parametrize(
    ("strategy", "rows", "sentence"),
    [
        (
            FreezeThaw(resource="rows", trainings=3),
            900,
            "FreezeThaw trainings must be a whole number >= 4, got 3. Its first round takes 3591 rows: "
            "27 on 33, 9 on 100, 3 on 300, 1 on 900. Raise it.",
        ),
        (
            FreezeThaw(resource="rows"),
            29,
            "Training rows for FreezeThaw(resource='rows') must be at least 30, got 29. Take GaussianProcess, "
            "which trains on all of them.",
        ),
    ],
)
def test_too_few_rows_are_refused(strategy: FreezeThaw, rows: int, sentence: str) -> None:
    with pytest.raises(SettingError, match=f"^{re.escape(sentence)}$"):
        strategy.on_rows(rows, 10)


def test_rows_need_an_objective_with_data() -> None:
    with pytest.raises(
        SettingError, match=re.escape("FreezeThaw(resource='rows') must be run with an objective that holds data")
    ):
        next(FreezeThaw(resource="rows").search(LINE, np.random.default_rng(0)))


def test_an_objective_without_a_context_is_refused() -> None:
    with pytest.raises(StudyError, match="An objective to halve must be one that takes a context"):
        Study("plain", LINE, lambda params: params["x"], FreezeThaw()).run(1, tracker=MemoryTracker())
