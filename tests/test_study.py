"""The loop: same study, same trials; what resumes, what extends, what is refused; one meaning of better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from hpsearch import Batch, Choice, Context, Float, Int, Proposal, Space, Study
from hpsearch.errors import SettingError, SpaceError, StudyError
from hpsearch.ports import Search
from hpsearch.search.progress import Progress
from hpsearch.strategies import Grid, Random
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Params, Status, Trial

SPACE = Space(x=Float(-1.0, 1.0), c=Choice("a", "b"))


def square(params: Params, context: Context) -> float:
    context.report(1, noise=context.rng.random())
    return float(params["x"] ** 2 + 0.01 * context.rng.random())


def fails_sometimes(params: Params) -> float:
    if params["c"] == "b":
        raise RuntimeError("planted")
    return float(params["x"])


def study(**changes: Any) -> Study:
    return replace(Study("s", SPACE, square, Random(trials=12), seed=1), **changes)


def run(s: Study, tracker: MemoryTracker | None = None, **options: Any) -> Any:
    options = {"backend": "sequential", **options}
    return s.run(tracker=tracker or MemoryTracker(), **options)


def half_done(s: Study, keep: Sequence[int]) -> MemoryTracker:
    """Return a tracker as a killed run leaves it: some trials recorded, never finished."""
    tracker, whole = MemoryTracker(), run(s).trials
    tracker.start(s.tracked())
    for number in keep:
        tracker.record(whole[number])
    return tracker


@pytest.mark.parametrize("options", [{"jobs": 2, "backend": "loky"}, {"jobs": 3, "backend": "threading"}])
def test_workers_do_not_change_the_table(options: dict[str, Any]) -> None:
    assert table(run(study(), **options).trials) == table(run(study()).trials)


def test_the_seed_does() -> None:
    assert table(run(study(seed=2)).trials) != table(run(study()).trials)


def test_an_interrupted_study_goes_on_and_fills_its_gaps() -> None:
    tracker = half_done(study(), [0, 1, 2, 5, 7])
    result = run(study(), tracker)
    assert table(result.trials) == table(run(study()).trials)
    assert result.taken_over == 5


def test_a_finished_study_runs_nothing() -> None:
    tracker = MemoryTracker()
    run(study(), tracker)

    def refuses(params: Params) -> float:
        raise AssertionError("nothing should run")

    shown: list[int] = []
    result = run(study(), tracker, progress=lambda p: shown.append(p.done))
    assert result.taken_over == 12
    assert shown == []


def test_a_larger_study_extends() -> None:
    tracker = MemoryTracker()
    run(study(), tracker)
    result = run(study(strategy=Random(trials=20)), tracker)
    assert table(result.trials) == table(run(study(strategy=Random(trials=20))).trials)
    assert result.taken_over == 12


def test_a_smaller_study_is_refused() -> None:
    tracker = MemoryTracker()
    run(study(), tracker)
    with pytest.raises(StudyError, match=r"has 12 recorded trials, and Random.trials=8. proposes only 8"):
        run(study(strategy=Random(trials=8)), tracker)


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"seed": 9}, "seed was 1, is now 9"),
        ({"space": Space(x=Float(-1.0, 2.0), c=Choice("a", "b"))}, "space was Space.*is now Space"),
        ({"maximize": True}, "direction was minimize, is now maximize"),
        ({"objective": fails_sometimes}, "objective was square .content .*is now fails_sometimes"),
        ({"strategy": Grid(points=3)}, "does not replay.*Strategy was Random.trials=12., is now Grid"),
    ],
)
def test_a_different_study_under_the_same_name_is_refused(changes: dict[str, Any], difference: str) -> None:
    tracker = MemoryTracker()
    run(study(), tracker)
    with pytest.raises(StudyError, match=difference):
        run(study(**changes), tracker)


def test_fresh_starts_anew() -> None:
    tracker = MemoryTracker()
    run(study(), tracker)
    assert run(study(seed=9), tracker, fresh=True).taken_over == 0


def test_library_versions_are_named_when_a_replay_differs() -> None:
    @dataclass(frozen=True)
    class Drifting:
        def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
            yield Batch([Proposal({"x": DRIFT[0], "c": "a"})])

    tracker, drifting = MemoryTracker(), study(strategy=Drifting())
    record = replace(drifting.record(), facts={**drifting.record().facts, "numpy": "1.0"})
    old = replace(drifting.tracked(), record=record)
    tracker.start(old)
    tracker.record(Trial(0, {"x": 0.5, "c": "a"}, "all", Status.FAILED))
    with pytest.raises(StudyError, match=r"does not replay: trial 0 was.*Numpy was 1.0, is now 2"):
        run(drifting, tracker)


DRIFT = [0.25]


def test_failed_trials_are_results() -> None:
    result = run(study(objective=fails_sometimes))
    assert {t.status for t in result.trials if t.params["c"] == "b"} == {Status.FAILED}
    assert result.best.params["c"] == "a"


def test_a_grid_runs_its_failed_cells_again_and_only_those() -> None:
    broken = {"now": True}

    def flaky(params: Params) -> float:
        ran.append(params["x"])
        if broken["now"] and params["x"] == 0.0:
            raise OSError("the disk was full")
        return float(params["x"])

    ran: list[float] = []
    grid = study(objective=flaky, strategy=Grid(points=3))
    tracker = MemoryTracker()
    assert sum(not t.ok for t in run(grid, tracker).trials) == 2
    broken["now"] = False
    ran.clear()
    assert all(t.ok for t in run(grid, tracker).trials)
    assert ran == [0.0, 0.0]


def test_other_strategies_keep_failures_unless_asked() -> None:
    tracker = MemoryTracker()
    failed = {t.number for t in run(study(objective=fails_sometimes), tracker).trials if not t.ok}
    assert run(study(objective=fails_sometimes), tracker).taken_over == 12
    assert run(study(objective=fails_sometimes), tracker, retry=True).taken_over == 12 - len(failed)


def test_no_finished_trial_has_no_best() -> None:
    def always(params: Params) -> float:
        raise ValueError("never works")

    with pytest.raises(StudyError, match=r"has no finished trial.*ValueError: never works"):
        _ = run(study(objective=always)).best


def test_maximize_flips_at_the_edges_only() -> None:
    def hill(params: Params) -> float:
        return -abs(params["x"])

    up, down = (run(study(objective=f, maximize=m)) for f, m in ((hill, True), (lambda p: abs(p["x"]), False)))
    assert up.best.number == down.best.number
    assert up.value(up.best) == -down.value(down.best) <= 0
    assert up.table()[0]["value"] == hill(up.trials[0].params)


def test_a_strategy_is_sent_its_batch_in_order() -> None:
    sent: list[list[int]] = []

    @dataclass(frozen=True)
    class Two:
        def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
            for stage in ("coarse", "fine"):
                trials = yield Batch([Proposal(space.sample(rng)) for _ in range(3)], stage)
                sent.append([t.number for t in trials])

    result = run(study(strategy=Two()), jobs=2, backend="threading")
    assert sent == [[0, 1, 2], [3, 4, 5]]
    assert [t.stage for t in result.trials] == ["coarse"] * 3 + ["fine"] * 3


def test_a_strategy_that_leaves_the_space_is_refused() -> None:
    @dataclass(frozen=True)
    class Astray:
        def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
            yield Batch([Proposal({"x": 7.0, "c": "a"})])

    with pytest.raises(SpaceError, match="Parameter 'x' must be in"):
        run(study(strategy=Astray()))


def test_templates_reach_the_objective_as_objects() -> None:
    @dataclass(frozen=True)
    class Plan:
        steps: Any = 1

    def objective(params: Params) -> float:
        return float(params["plan"].steps)

    result = run(Study("t", Space(plan=Choice(Plan(steps=Int(1, 9)))), objective, Random(trials=5)))
    assert [t.value for t in result.trials] == [t.params["plan.steps"] for t in result.trials]


def test_progress_counts_what_happens() -> None:
    seen: list[tuple[int, int, float | None]] = []

    def note(progress: Progress) -> None:
        seen.append((progress.done, progress.failed, progress.seconds_left))

    result = run(study(objective=fails_sometimes), progress=note)
    assert [done for done, _, _ in seen] == list(range(13))
    assert seen[-1][1] == sum(not t.ok for t in result.trials)
    assert seen[0][2] is None
    assert seen[-1][2] == pytest.approx(0.0)


def test_smoke_is_two_trials_of_one_epoch_under_another_name() -> None:
    small = study(strategy=Random(trials=500)).smoke()
    assert small.name == "s-smoke"
    assert [t.budget for t in run(small).trials] == [1, 1]


def test_the_question_is_the_files_docstring() -> None:
    assert (
        study().question
        == "The loop: same study, same trials; what resumes, what extends, what is refused; one meaning of better."
    )


def test_an_interrupt_closes_the_study_and_keeps_what_ended() -> None:
    def interrupts(params: Params) -> float:
        if params["x"] > 0.5:
            raise KeyboardInterrupt
        return 0.0

    tracker = MemoryTracker()
    with pytest.raises(KeyboardInterrupt):
        run(study(objective=interrupts), tracker)
    found = tracker.find(study(objective=interrupts).tracked())
    assert found is not None
    assert not found.interrupted
    assert not found.finished
    assert all(math.isfinite(t.value) for t in found.trials)


class Pickyier:
    """An objective that says what it takes."""

    parameters = frozenset({"learning_rate", "c"})
    required = frozenset({"learning_rate"})

    def check(self, params: Params) -> None:
        if params["learning_rate"] > 5:
            raise SettingError("learning_rate must be <= 5, got 10.0. Lower the range.")

    def __call__(self, params: Params) -> float:
        return 0.0

    def __repr__(self) -> str:
        return "Pickyier()"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: study(name=""), "A study's name must be a printable text"),
        (lambda: study(name="a\nb"), "A study's name must be a printable text"),
        (lambda: study(space={"x": 1}), "A study's space must be a Space with parameters"),
        (lambda: study(space=Space()), "A study's space must be a Space with parameters"),
        (lambda: study(objective=3), "A study's objective must be callable, got 3"),
        (lambda: study(strategy="random"), "A study's strategy must be a strategy, got 'random'"),
        (lambda: study(strategy=Random), "A study's strategy must be a strategy"),
        (lambda: study(seed=-1), "A study's seed must be a whole number >= 0, got -1"),
        (lambda: study(maximize="yes"), "A study's maximize must be True or False, got 'yes'"),
        (lambda: study(question=3), "A study's question must be a text, got 3"),
        (lambda: study(first=3), "A study's first must be a list of params"),
        (lambda: study(known=[3]), "A study's known must be a list of trials"),
        (lambda: study(seed=0.5), "A study's seed must be a whole number >= 0, got 0.5"),
        (lambda: study(objective=Pickyier()), "Unknown parameter 'x' for Pickyier; it takes 'c', 'learning_rate'"),
        (lambda: study(objective=Pickyier(), space=Space(learningrate=Float(0, 1))), "Did you mean 'learning_rate'"),
        (
            lambda: study(objective=Pickyier(), space=Space(c=Choice(1, 2))),
            "'learning_rate' of Pickyier must be in the space or",
        ),
        (lambda: study(objective=Pickyier(), space=Space(learning_rate=Float(0, 10))), "learning_rate must be <= 5, got 10.0"),
    ],
)
def test_bad_studies_are_refused_before_the_first_trial(make: Any, message: str) -> None:
    with pytest.raises((StudyError, SettingError), match=message):
        make()


def test_testing_without_a_test_part_is_refused() -> None:
    with pytest.raises(StudyError, match="has no sealed test part"):
        run(study()).test()
