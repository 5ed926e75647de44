"""Successive halving and Hyperband: rungs as published, promotion, failures, the resource, and errors for bad arguments."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from hpsearch import Choice, Context, Float, Int, Outcome, Space, Status, Study, Trial, data
from hpsearch.errors import Diverged, SettingError, StudyError
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Batch, Proposal
from hpsearch.space import Params
from hpsearch.strategies import Halving, Hyperband, Random
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker

LINE = Space(x=Float(0.0, 1.0))
Score = Callable[[int, Proposal], float | None]


def run(strategy: Halving | Hyperband, score: Score, space: Space = LINE, seed: int = 0) -> tuple[list[Batch], list[Trial]]:
    """Drive a strategy; the score is handed the trial's number and the proposal, None is a failed trial."""
    search = strategy.search(space, np.random.default_rng(seed))
    batches: list[Batch] = [next(search)]
    trials: list[Trial] = []
    try:
        while True:
            ended = [_ended(len(trials) + i, p, batches[-1].stage, score) for i, p in enumerate(batches[-1].proposals)]
            trials += ended
            batches.append(search.send(ended))
    except StopIteration:
        return batches, trials


def _ended(number: int, p: Proposal, stage: str, score: Score) -> Trial:
    value = score(number, p)
    if value is None:
        return Trial(number, p.params, stage, Status.FAILED, None, p.budget, p.continues, error="ValueError: planted.")
    status = Status.FINISHED if np.isfinite(value) else Status.DIVERGED
    return Trial(number, p.params, stage, status, Outcome(value), p.budget, p.continues)


def closeness(number: int, proposal: Proposal) -> float:
    return abs(float(proposal.params["x"]) - 0.3)


def shape(batches: list[Batch]) -> list[tuple[str, int, int | None]]:
    return [(b.stage, len(b.proposals), b.proposals[0].budget) for b in batches]


@pytest.mark.parametrize("most", [1, 2])
def test_a_hyperband_of_a_single_configuration_is_refused(most: int) -> None:
    with pytest.raises(SettingError, match=rf"Hyperband max_epochs must be at least factor \* min_epochs = 3, got {most}"):
        Hyperband(max_epochs=most)
    assert [len(rungs) for rungs in Hyperband(max_epochs=3).brackets] == [2, 1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Halving(min_rows=5), "Halving min_rows must be given with resource='rows', got 5"),
        (lambda: Halving(resource="rows", min_rows=0), "Halving min_rows must be a whole number >= 1, got 0"),
        (lambda: Hyperband(resource="n"), "Hyperband resource must be one of 'epochs', 'rows', got 'n'"),
    ],
)
def test_bad_resources_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make()


def test_fields_added_later_stay_out_of_the_repr() -> None:
    """Known texts: the reprs of studies recorded before there were rows."""
    assert repr(Halving()) == "Halving(trials=27, min_epochs=1, max_epochs=27, factor=3, resource='epochs')"
    assert repr(Hyperband()) == "Hyperband(max_epochs=27, factor=3, min_epochs=1)"
    assert repr(Hyperband(resource="rows", min_rows=50)).endswith("min_epochs=1, resource='rows', min_rows=50)")


def test_rungs_as_published() -> None:
    """Li et al. (2018), the bracket of most configurations for R = 81, eta = 3."""
    batches, _ = run(Halving(trials=81, max_epochs=81), closeness)
    assert shape(batches) == [("rung-0", 81, 1), ("rung-1", 27, 3), ("rung-2", 9, 9), ("rung-3", 3, 27), ("rung-4", 1, 81)]


def test_brackets_as_published() -> None:
    """Li et al. (2018), R = 81, eta = 3: configurations and epochs per rung of the brackets s = 4 ... 0."""
    assert Hyperband(max_epochs=81).brackets == (
        ((81, 1), (27, 3), (9, 9), (3, 27), (1, 81)),
        ((34, 3), (11, 9), (3, 27), (1, 81)),
        ((15, 9), (5, 27), (1, 81)),
        ((8, 27), (2, 81)),
        ((5, 81),),
    )
    batches, _ = run(Hyperband(max_epochs=81), closeness)
    expected = [rung for rungs in Hyperband(max_epochs=81).brackets for rung in rungs]
    stages = [f"bracket-{s} rung-{i}" for s in range(4, -1, -1) for i in range(s + 1)]
    assert [b.stage for b in batches] == stages
    assert [(len(b.proposals), b.proposals[0].budget) for b in batches] == expected


def test_brackets_of_a_maximum_that_is_no_power() -> None:
    """R / eta^s in whole epochs, always ending in R; exact where a logarithm in floats would lose a bracket (243 = 3^5)."""
    assert Hyperband(max_epochs=20).brackets == (((9, 2), (3, 7), (1, 20)), ((5, 7), (1, 20)), ((3, 20),))
    assert len(Hyperband(max_epochs=243).brackets) == 6
    assert Hyperband(max_epochs=27, min_epochs=3).brackets[0] == ((9, 3), (3, 9), (1, 27))


def test_the_last_rung_is_the_maximum() -> None:
    assert Halving(trials=27, max_epochs=20).rungs == ((27, 1), (9, 3), (3, 9), (1, 20))
    assert Halving(trials=10, min_epochs=5, max_epochs=5).rungs == ((10, 5),)
    assert Halving(trials=50, min_epochs=2, max_epochs=16, factor=4).rungs == ((50, 2), (12, 8), (3, 16))


def test_the_best_go_on_from_where_they_stood() -> None:
    batches, trials = run(Halving(), closeness)
    for before, batch in pairwise(batches):
        entered = [t for t in trials if t.stage == before.stage]
        expected = sorted(entered, key=lambda t: t.value)[: len(batch.proposals)]
        assert [p.continues for p in batch.proposals] == [t.number for t in expected]
        assert [p.params for p in batch.proposals] == [t.params for t in expected]


def test_of_equal_values_the_earlier_is_promoted() -> None:
    batches, _ = run(Halving(trials=9, max_epochs=9), lambda n, p: 1.0)
    assert [[p.continues for p in b.proposals] for b in batches[1:]] == [[0, 1, 2], [9]]


def test_failed_and_diverged_trials_are_not_promoted() -> None:
    """Four of nine finish, of which the best three go on; two of these fail then, and one is left."""
    fates: dict[int, float | None] = {0: None, 1: -np.inf, 2: np.nan, 3: None, 4: None, 9: None, 10: np.inf}
    batches, _ = run(Halving(trials=9, max_epochs=9), lambda n, p: fates.get(n, 10.0 - n))
    assert [[p.continues for p in b.proposals] for b in batches[1:]] == [[8, 7, 6], [11]]


def test_fewer_than_asked_may_be_left() -> None:
    batches, _ = run(Halving(), lambda n, p: 1.0 if n % 9 == 0 or n >= 27 else None)
    assert [len(b.proposals) for b in batches] == [27, 3, 3, 1]


@pytest.mark.parametrize("rung", [0, 1])
def test_ends_with_a_note_where_all_failed(rung: int) -> None:
    batches, trials = run(Halving(trials=9, max_epochs=9), lambda n, p: None if rung == 0 or n >= 9 else 1.0)
    assert list(batches[-1].proposals) == []
    count = 9 if rung == 0 else 3
    text = f"None of the {count} trials of 'rung-{rung}' finished, so none is promoted. First error: ValueError: planted."
    assert batches[-1].note == text
    assert len(trials) == (9 if rung == 0 else 12)


def test_a_bracket_that_fails_does_not_end_hyperband() -> None:
    batches, _ = run(Hyperband(max_epochs=9), lambda n, p: None if n < 9 else 1.0)
    assert [b.stage for b in batches if b.proposals][1:] == ["bracket-1 rung-0", "bracket-1 rung-1", "bracket-0 rung-0"]
    assert sum(bool(b.note) for b in batches) == 1


def test_the_first_rung_is_random_search() -> None:
    """The same draws, so that halving and full training can be compared on the same configurations."""
    first = next(Halving(trials=27).search(LINE, np.random.default_rng(4)))
    other = next(Random(trials=27).search(LINE, np.random.default_rng(4)))
    assert [p.params for p in first.proposals] == [p.params for p in other.proposals]


def test_a_parameter_as_resource() -> None:
    """Its range gives the rungs; nothing is continued, since the training data change."""
    space = Space(x=Float(0.0, 1.0), train_size=Int(1000, 50_000, log=True))
    batches, trials = run(Halving(trials=70, factor=4, resource="train_size"), closeness, space)
    assert [{p.params["train_size"] for p in b.proposals} for b in batches] == [{1000}, {4000}, {16_000}, {50_000}]
    assert [len(b.proposals) for b in batches] == [70, 17, 4, 1]
    assert all(t.budget is None and t.continues is None for t in trials)
    assert batches[-1].proposals[0].params["x"] == min(trials, key=lambda t: t.value).params["x"]


def walk(params: Params, context: Context) -> Outcome:
    """Come closer to the target by a random step each epoch; beyond .9 diverge."""
    done, error = (0, 1.0) if context.state is None else (int(context.state["done"]), float(context.state["error"]))
    if context.state is not None:
        context.rng.bit_generator.state = context.state["rng"]
    for step in range(done, context.budget or 1):
        error *= abs(params["x"] - 0.3) + 0.1 * float(context.rng.random())
        context.report(step, error=error)
    if params["x"] > 0.9:
        raise Diverged("planted")
    return Outcome(error, state={"done": context.budget, "error": error, "rng": context.rng.bit_generator.state})


def test_a_study_promotes_the_same_after_a_crash() -> None:
    """Cut after any number of trials, the rest come out the same, from cached states or from the seed."""
    study = Study("halving", LINE, walk, Halving(trials=9, max_epochs=9), seed=2)
    whole = study.run(1, backend="sequential", tracker=MemoryTracker())
    assert [t.stage for t in whole.trials] == ["rung-0"] * 9 + ["rung-1"] * 3 + ["rung-2"]
    for count in (4, 9, 10, 12):
        tracker = MemoryTracker()
        tracker.start(study.tracked())
        for trial in whole.trials[:count]:
            tracker.record(trial)
        again = study.run(1, backend="sequential", tracker=tracker)
        values = [(t.number, t.params, t.stage, t.status, t.value, t.continues) for t in again.trials]
        assert values == [(t.number, t.params, t.stage, t.status, t.value, t.continues) for t in whole.trials]


@pytest.mark.parametrize("strategy", [Halving(), Hyperband()])
def test_survives_a_space_of_two_points(strategy: Halving | Hyperband) -> None:
    space = Space(c=Choice("a", "b"))
    assert run(strategy, lambda n, p: 1.0, space)[1]
    study = Study("tiny", space, lambda params, context: float(context.budget), strategy)
    assert table(study.run(1, backend="sequential", tracker=MemoryTracker()).trials)


@pytest.mark.parametrize(
    ("make", "settings", "message"),
    [
        (
            Halving,
            {"trials": 10},
            r"Halving trials must be a whole number >= 27, got 10. Each of its 4 rungs",
        ),
        (Halving, {"trials": 2.5}, "Halving trials must be a whole number >= 1, got 2.5"),
        (Halving, {"factor": 1}, "Halving factor must be a whole number >= 2, got 1. Try 3"),
        (Halving, {"factor": True}, "Halving factor must be a whole number >= 2, got True"),
        (Halving, {"min_epochs": 0}, "Halving min_epochs must be a whole number >= 1, got 0"),
        (Halving, {"min_epochs": 9, "max_epochs": 3}, "Halving max_epochs must be at least min_epochs=9, got 3"),
        (Hyperband, {"factor": 1}, "Hyperband factor must be a whole number >= 2, got 1"),
        (Hyperband, {"max_epochs": "27"}, "Hyperband max_epochs must be a whole number >= 1, got '27'"),
        (Hyperband, {"min_epochs": 9, "max_epochs": 3}, "Hyperband max_epochs must be at least min_epochs=9, got 3"),
    ],
)
def test_settings_it_cannot_search_with_raise(make: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make(**settings)


@pytest.mark.parametrize("space", [LINE, Space(size=Float(1.0, 9.0)), Space(size=Int(0, 9)), Space(size=Int(2, 8, step=2))])
def test_a_resource_that_is_none_raises(space: Space) -> None:
    with pytest.raises(SettingError, match=r"Halving resource must be 'epochs' or an unconditional Int\(low, high\)"):
        next(Halving(resource="size").search(space, np.random.default_rng(0)))


def test_too_few_trials_for_a_parameter_raise() -> None:
    with pytest.raises(SettingError, match=r"Halving trials must be a whole number >= 81, got 27\. Each of its 5 rungs"):
        next(Halving(resource="n").search(Space(n=Int(1, 81)), np.random.default_rng(0)))


def test_an_objective_without_a_budget_raises() -> None:
    with pytest.raises(StudyError, match="An objective to halve must be one that takes a context"):
        Study("deaf", Space(x=Float(0.0, 1.0)), lambda params: params["x"], Halving())


def test_an_objective_that_ends_before_the_last_rung_raises() -> None:
    objective = TrainNetwork(data.digits(), epochs=5, learning_rate=0.1)
    with pytest.raises(StudyError, match="The objective's epochs must be at least the strategy's max_epochs=27, got 5"):
        Study("short", Space(l2=Float(0.0, 1.0)), objective, Halving())


def test_halves_the_size_of_the_training_set() -> None:
    space = Space(learning_rate=Float(0.05, 0.5, log=True), train_size=Int(100, 900))
    study = Study("sizes", space, TrainNetwork(data.digits(), hidden=(8,), epochs=2), Halving(trials=9, resource="train_size"))
    trials = study.run(1, backend="sequential", tracker=MemoryTracker()).trials
    assert [t.params["train_size"] for t in trials] == [100] * 9 + [300] * 3 + [900]


def known_trials() -> list[Trial]:
    """Ten settings of which .0 is best, at nine epochs; one better and one equal at one epoch; and failures."""
    found = [Trial(n, {"x": n / 10}, "all", Status.FINISHED, Outcome(float(n)), 9) for n in range(10)]
    short = [Trial(10 + n, {"x": x}, "all", Status.FINISHED, Outcome(-1.0), 1) for n, x in enumerate((0.95, 0.0))]
    return [*found, *short, Trial(12, {"x": 0.5}, "all", Status.FAILED, None, error="planted")]


def first_rung(strategy: Halving | Hyperband, known: list[Trial], space: Space = LINE) -> list[Any]:
    return [p.params["x"] for p in next(strategy.search(space, np.random.default_rng(0), known)).proposals]


def test_the_best_known_settings_enter_the_first_rung() -> None:
    """A third of 9 are the three best at nine epochs; the rest are the first draws of a study without them."""
    strategy = Halving(trials=9, max_epochs=9)
    entered, alone = first_rung(strategy, known_trials()), first_rung(strategy, [])
    assert entered[:3] == [0.0, 0.1, 0.2]
    assert entered[3:] == alone[:6]


def test_the_best_known_settings_enter_the_first_bracket() -> None:
    strategy = Hyperband(max_epochs=9)
    search = strategy.search(LINE, np.random.default_rng(0), known_trials())
    batches = [next(search)]
    while len(batches) < 4:
        batches.append(search.send([_ended(n, p, "", closeness) for n, p in enumerate(batches[-1].proposals)]))
    assert [p.params["x"] for p in batches[0].proposals][:3] == [0.0, 0.1, 0.2]
    assert batches[3].stage == "bracket-1 rung-0"
    assert not {p.params["x"] for p in batches[3].proposals} & {0.0, 0.1, 0.2}


def test_known_trials_that_all_failed_change_nothing() -> None:
    strategy = Halving(trials=9, max_epochs=9)
    assert first_rung(strategy, known_trials()[-1:]) == first_rung(strategy, [])


def test_known_settings_that_differ_in_the_resource_alone_are_one() -> None:
    space = Space(x=Float(0.0, 1.0), n=Int(1, 9))
    known = [Trial(n, {"x": 0.1, "n": n}, "all", Status.FINISHED, Outcome(float(n))) for n in (5, 9)]
    proposals = next(Halving(trials=9, resource="n").search(space, np.random.default_rng(0), known)).proposals
    assert [p.params for p in proposals[:1]] == [{"x": 0.1, "n": 1}]
    assert proposals[1].params["x"] != 0.1


def test_settings_tried_first_are_not_tried_again() -> None:
    study = Study("first", LINE, lambda p, c: p["x"], Halving(trials=9, max_epochs=9), first=[{"x": 0.25}])
    trials = study.run(1, backend="sequential", tracker=MemoryTracker()).trials
    assert [trial.stage for trial in trials if trial.params["x"] == 0.25] == ["given"]
