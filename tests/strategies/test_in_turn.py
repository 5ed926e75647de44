"""One parameter after the other: grids by hand, a bowl whose optimum is known, the order of the book, and what it says."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from hpsearch import Choice, Float, Int, Outcome, Space, Status, Study, Trial
from hpsearch.errors import SettingError
from hpsearch.ports import Batch, Proposal
from hpsearch.space.equality import params_key
from hpsearch.strategies import InTurn
from hpsearch.testing import SPACES, drive

NETWORK = Space(
    learning_rate=Float(1e-3, 10.0, log=True),
    l2=Float(1e-2, 100.0, log=True),
    dropout=Float(0.0, 0.8),
    batch_size=Choice(10, 20, 50),
)
PLANE = Space(a=Float(1e-3, 10.0, log=True), b=Float(-1.0, 1.0))


def run(
    strategy: InTurn, space: Space, value: Callable[[Mapping[str, Any]], float], known: tuple[Trial, ...] = ()
) -> tuple[list[Batch], list[Trial]]:
    def end(number: int, proposal: Proposal, stage: str) -> Trial:
        return Trial(number, proposal.params, stage, Status.FINISHED, Outcome(value(proposal.params)))

    return drive(strategy, space, end=end, known=known)


def proposed(batch: Batch, name: str) -> list[Any]:
    return [proposal.params.get(name) for proposal in batch.proposals]


def log_bowl(params: Mapping[str, Any]) -> float:
    """Return the squared distance from (0.07, 0.3), in decades and in quarters of a range."""
    return float((math.log10(params["a"] / 0.07)) ** 2 + (2 * (params["b"] - 0.3)) ** 2)


def test_the_first_turn_goes_by_factors_of_ten_and_then_by_halves() -> None:
    """0.07 lies in the decade of 0.1; its half steps are sqrt(10) apart, its quarters the fourth root of 10."""
    batches, _ = run(InTurn(), PLANE, log_bowl)
    assert proposed(batches[0], "a") == [0.1, 0.001, 0.01, 1.0, 10.0]
    assert proposed(batches[1], "a") == pytest.approx([0.1 / 10**0.5, 0.1 * 10**0.5])
    assert proposed(batches[2], "a") == pytest.approx([0.1 / 10**0.25, 0.1 * 10**0.25])
    assert batches[3].note == "a moves from 0.1 to 0.05623: 9 values were tried."
    assert {batch.stage for batch in batches[:3]} == {"a coarse", "a fine"}
    assert proposed(batches[4], "b") == [-1.0, -0.5, 0.5, 1.0]  # 0.0, where it stands, has been tried


def test_each_batch_varies_one_parameter_and_holds_the_others_at_the_best() -> None:
    batches, trials = run(InTurn(trials=50), PLANE, log_bowl)
    seen = 0
    for batch in (batch for batch in batches if batch.proposals):
        other = "b" if batch.stage.startswith("a") else "a"
        best = min(trials[:seen], key=lambda trial: trial.value, default=trials[0])
        assert set(proposed(batch, other)) == {best.params[other]}
        seen += len(batch.proposals)


@pytest.mark.parametrize("at", [0.0021, 0.07, 0.3, 6.0])
def test_three_rounds_come_within_a_thirtieth_of_a_decade_of_the_optimum_of_a_bowl(at: float) -> None:
    """After the first turn it is at most an eighth of a step away, and every later turn halves that."""

    def value(params: Mapping[str, Any]) -> float:
        return float(math.log10(params["a"] / at) ** 2 + (params["b"] - 0.3) ** 2)

    batches, trials = run(InTurn(trials=60), PLANE, value)
    first = next(i for i, batch in enumerate(batches) if batch.stage.startswith("b"))
    count = sum(len(batch.proposals) for batch in batches[:first])
    after = min(trials[:count], key=lambda trial: trial.value)
    assert abs(math.log10(after.params["a"] / at)) <= 1 / 8 + 1e-9
    best = min(trials, key=lambda trial: trial.value)
    assert abs(math.log10(best.params["a"] / at)) <= 1 / 32 + 1e-9
    assert abs(best.params["b"] - 0.3) <= 2 / 4 / 32 + 1e-9


def test_penalties_begin_at_their_lowest_and_the_rest_in_the_middle() -> None:
    """Document A: first lambda = 0, then the rate."""
    batches, _ = run(InTurn(), NETWORK, lambda params: params["l2"])
    assert batches[0].proposals[0].params == {"learning_rate": 0.1, "l2": 0.01, "dropout": 0.0, "batch_size": 10}
    zero = Space(learning_rate=Float(0.1, 1.0), l2=Choice(5.0, 0.0, 0.1), l1=Choice("weak", "none"))
    start = run(InTurn(), zero, lambda params: 0.0)[0][0].proposals[0].params
    assert (start["l2"], start["l1"]) == (0.0, "weak")  # what is no number has no lowest


def test_the_order_is_the_users_and_a_name_may_come_back() -> None:
    """Document A: the rate, lambda, back to the rate, the size of the mini-batches; dropout keeps its first value."""
    order = ("learning_rate", "l2", "learning_rate", "batch_size")
    batches, trials = run(InTurn(order, trials=30), NETWORK, lambda p: p["l2"] + math.log10(p["learning_rate"] / 0.3) ** 2)
    turns = list(dict.fromkeys(batch.stage for batch in batches if batch.proposals))
    expected = ["learning_rate coarse", "learning_rate fine", "l2 coarse", "l2 fine", "learning_rate fine-2", "batch_size"]
    assert turns[: len(expected)] == expected
    assert {trial.params["dropout"] for trial in trials} == {0.0}
    (lambdas,) = [proposed(batch, "l2") for batch in batches if batch.stage == "l2 coarse"]
    assert lambdas == [0.1, 1.0, 10.0, 100.0]  # 0.01 has been tried


@pytest.mark.parametrize("trials", [1, 2, 7, 33])
def test_it_ends_at_its_number_of_trials(trials: int) -> None:
    _, run_trials = run(InTurn(trials=trials), NETWORK, lambda params: params["learning_rate"])
    assert len(run_trials) == trials


def test_a_longer_search_begins_with_the_shorter_one() -> None:
    """So a study extends from 20 trials to 50."""
    short, long = (run(InTurn(trials=trials), PLANE, log_bowl)[1] for trials in (20, 50))
    assert long[:20] == short


def test_it_ends_where_nothing_new_is_left_and_tries_nothing_twice() -> None:
    """From (3, a), the optimum (9, c) of 5 x 3 points: one line each, and the lines through the optimum."""
    space = Space(n=Int(1, 9, step=2), c=Choice("a", "b", "c"))
    batches, trials = run(InTurn(trials=500), space, lambda params: 9 - params["n"] + (params["c"] != "c"))
    points = [tuple(trial.params.values()) for trial in trials]
    assert len(set(points)) == len(points)
    assert points[0] == (5, "a")
    assert {(9, "c"), (9, "b"), (7, "c")} <= set(points)
    assert min(trials, key=lambda trial: trial.value).params == {"n": 9, "c": "c"}
    assert batches[-1].note.endswith("tried.")


@pytest.mark.parametrize("kind", SPACES)
def test_no_point_of_any_space_is_tried_twice(kind: str) -> None:
    _, trials = drive(InTurn(trials=80), SPACES[kind])
    points = [params_key(SPACES[kind].canonical(trial.params)) for trial in trials]
    assert len(set(points)) == len(points)


def test_equal_trials_leave_a_parameter_where_it_is() -> None:
    batches, _ = run(InTurn(trials=20), PLANE, lambda params: 1.0)
    assert batches[3].note == "a stays at 0.1: 9 values were tried."


def test_two_seeds_propose_the_same() -> None:
    assert drive(InTurn(trials=30), NETWORK, seed=1) == drive(InTurn(trials=30), NETWORK, seed=2)


def test_a_parameter_that_is_absent_is_passed_over() -> None:
    space = Space(
        optimizer=Choice("sgd", "adam"), momentum=Float(0.0, 0.9, when={"optimizer": "sgd"}), rate=Float(0.1, 10, log=True)
    )
    batches, trials = run(InTurn(trials=12), space, lambda params: float(params["optimizer"] == "sgd"))
    assert "momentum is passed over: it is absent at the best setting so far." in [batch.note for batch in batches]
    assert all(("momentum" in trial.params) == (trial.params["optimizer"] == "sgd") for trial in trials)


def test_it_begins_at_the_best_known_trial_and_does_not_run_it_again() -> None:
    values = {0.5: 2.0, 5.0: 0.1}
    known = tuple(
        Trial(n, {"a": a, "b": 0.5}, "all", Status.FINISHED, Outcome(value)) for n, (a, value) in enumerate(values.items())
    )
    batches, trials = run(InTurn(trials=20), PLANE, log_bowl, known=known)
    assert set(proposed(batches[0], "b")) == {0.5}
    assert proposed(batches[0], "a") == [0.005, 0.05]  # 0.5 and 5.0 are known
    assert {"a": 5.0, "b": 0.5} not in [trial.params for trial in trials]


def test_a_round_that_fails_altogether_ends_it_with_a_sentence() -> None:
    batches, _ = drive(InTurn(trials=500), PLANE, fail=True)
    assert batches[-1].note == "All trials of the first round failed, so the search ends. Begin where some succeed."
    assert not batches[-1].proposals


def test_a_fixed_parameter_has_no_turn() -> None:
    batches, _ = run(InTurn(trials=20), Space(k=Int(3, 3), one=Choice("only"), x=Float(0.0, 1.0)), lambda params: params["x"])
    assert {batch.stage.split()[0] for batch in batches} == {"x"}
    only, trials = run(InTurn(trials=20), Space(k=Int(3, 3)), lambda params: 0.0)
    assert [trial.params for trial in trials] == [{"k": 3}]
    assert only


def test_an_unknown_name_is_refused_before_the_first_trial() -> None:
    sentence = r"InTurn order must be names of parameters, .*, got 'learning_rat'\. .* Did you mean 'learning_rate'"
    with pytest.raises(SettingError, match=sentence):
        Study("s", NETWORK, lambda params: 0.0, InTurn(("learning_rat",)))


def test_an_order_names_a_conditional_parameter_after_the_one_that_it_depends_on() -> None:
    space = Space(optimizer=Choice("sgd", "adam"), momentum=Float(0.0, 0.9, when={"optimizer": "sgd"}))
    sentence = r"InTurn order must be parameters that every setting has, got 'momentum'\. .* Name 'optimizer' before it, or"
    with pytest.raises(SettingError, match=sentence):
        run(InTurn(("momentum", "optimizer")), space, lambda params: 0.0)
    _, trials = run(InTurn(("optimizer", "momentum")), space, lambda params: float(params.get("momentum", 1.0)))
    assert trials[-1].params["optimizer"] == "sgd"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"order": "l2"}, r"InTurn order must be a tuple of names, got 'l2'\. Write it as in"),
        ({"order": (1,)}, r"InTurn order must be a tuple of names, got \(1,\)"),
        ({"trials": 0}, r"InTurn trials must be a whole number >= 1, got 0\. Try 64\."),
        ({"preflight": 1}, r"InTurn preflight must be True or False, got 1\. Leave it out"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        InTurn(**settings)


def test_its_repr_is_its_record() -> None:
    assert repr(InTurn(["a", "b"], trials=9)) == "InTurn(order=('a', 'b'), trials=9, preflight=True)"  # type: ignore[arg-type]
    assert InTurn().version == 1
