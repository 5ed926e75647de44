"""The strategy that is picked by objective, space and budget: its rules, what it says, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import hpsearch.search.auto as module
from hpsearch import Auto, Choice, Context, Float, Int, MedianStop, Outcome, Space, Stop, Study, compare, data
from hpsearch.cli.commands import show_summary
from hpsearch.errors import SettingError, StudyError
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import ObjectiveBase, Recorded, Strategy
from hpsearch.search.auto import FEW, MANY, Picked, Rule, _read
from hpsearch.strategies import Bayesian, GaussianProcess, Grid, Hyperband, QuasiRandom, Random
from hpsearch.testing import StrategyContract, table
from hpsearch.tracking import MemoryTracker, MlflowTracker, Store
from hpsearch.tracking.runs import catalog
from hpsearch.trial import Params

PLANE = Space(x=Float(0.0, 1.0), y=Float(0.0, 1.0))


def bowl(params: Params) -> float:
    return float((params["x"] - 0.3) ** 2 + (params["y"] - 0.6) ** 2)


@dataclass(frozen=True)
class Epochs(ObjectiveBase):
    """An objective that trains for so many epochs, and needs only as many as the budget says."""

    epochs: int | None = 27

    def __call__(self, params: Params, context: Context) -> Outcome:
        budget = context.budget or 27
        return Outcome(bowl(params) + 1 / budget)


def study(strategy: Auto, objective: Callable[..., Any] = bowl, space: Space = PLANE, **changes: Any) -> Study:
    return Study("auto", space, objective, strategy, **changes)


def picked(strategy: Auto, objective: Callable[..., Any] = bowl, space: Space = PLANE) -> Strategy:
    found = study(strategy, objective, space).proposer
    assert isinstance(found, Picked)
    return found.strategy


class TestAuto(StrategyContract):
    def make(self) -> Strategy:
        return Auto(trials=12)


class TestAutoOfFewTrials(StrategyContract):
    def make(self) -> Strategy:
        return Auto(trials=5)


def test_few_trials_fill_the_space_some_hundred_go_to_a_model_and_more_to_bayesian() -> None:
    assert picked(Auto(trials=FEW - 1)) == QuasiRandom(trials=FEW - 1, centre=True)
    assert picked(Auto(trials=FEW)) == GaussianProcess(trials=FEW)
    assert picked(Auto(trials=MANY)) == GaussianProcess(trials=MANY)
    assert picked(Auto(trials=MANY + 1)) == Bayesian(trials=MANY + 1)


def test_a_space_of_no_more_points_than_trials_is_tried_out() -> None:
    space = Space(n=Int(1, 3), c=Choice("a", "b"), s=Float(0.0, 1.0, step=0.5))
    assert picked(Auto(trials=18), lambda params: 0.0, space) == Grid()
    assert picked(Auto(trials=17), lambda params: 0.0, space) == GaussianProcess(trials=17)


def test_an_objective_that_continues_is_halved_where_the_budget_pays_for_it() -> None:
    """40 full trainings of 27 epochs are 1,080 epochs; 2 are 54, less than any round of halving takes."""
    assert picked(Auto(epochs=1080), Epochs()) == picked(Auto(trials=40), Epochs())
    assert picked(Auto(trials=40), Epochs()).resource == "epochs"
    assert picked(Auto(trials=2), Epochs()) == QuasiRandom(trials=2, centre=True)
    assert picked(Auto(trials=40), Epochs(epochs=None)) == GaussianProcess(trials=40)  # what a full training takes is not known


def test_seconds_stop_by_the_clock_and_do_not_decide() -> None:
    short, long = study(Auto(seconds=1)), study(Auto(seconds=1e6))
    assert short.proposer == long.proposer
    assert isinstance(picked(Auto(seconds=1)), GaussianProcess)
    assert short.stop == Stop(seconds=1)
    assert study(Auto(seconds=60), stop=Stop(seconds=5, trials=9)).stop == Stop(seconds=5, trials=9)
    assert study(Auto(seconds=5), stop=Stop(seconds=60, trials=9)).stop == Stop(seconds=5, trials=9)
    assert short.proposer.trials is None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, r"^Auto must be given one of trials, epochs and seconds, got none\. Write Auto\(trials=64\)\.$"),
        ({"trials": 3, "epochs": 9}, r"must be given one of trials, epochs and seconds, got trials=3, epochs=9\."),
        ({"trials": 0}, r"^Auto trials must be .*>= 1, got 0\. Try 64\.$"),
        ({"trials": 2.5}, r"^Auto trials must be a whole number.*, got 2\.5"),
        ({"epochs": -1}, r"^Auto epochs must be .*>= 1, got -1"),
        ({"epochs": True}, r"^Auto epochs must be a whole number"),
        ({"seconds": 0}, r"^Auto seconds must be a number in .0, inf., got 0"),
        ({"seconds": "60"}, r"^Auto seconds must be .*, got '60'"),
        ({"seconds": float("nan")}, r"^Auto seconds must be .*, got nan"),
    ],
)
def test_bad_budgets_are_refused_in_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        Auto(**options)


def measured(params: Params) -> float:
    return float(params["x"])


def test_epochs_for_what_cannot_spend_them_are_refused() -> None:
    with pytest.raises(StudyError, match=r"objective of Auto\(epochs=540\) must be one that trains in epochs, .*Give trials="):
        study(Auto(epochs=540))
    with pytest.raises(StudyError, match="must be one that trains in epochs, got 'measured'"):
        study(Auto(epochs=540), measured)
    with pytest.raises(StudyError, match="must be one without a parameter 'epochs'"):
        study(Auto(epochs=540), Epochs(), Space(epochs=Int(1, 27), x=Float(0.0, 1.0)))
    with pytest.raises(StudyError, match=r"Auto epochs must be .*>= 27, got 26\. A full training takes 27"):
        study(Auto(epochs=26), Epochs())


def test_importing_it_from_the_strategies_says_where_it_is() -> None:
    with pytest.raises(ImportError, match="Write: from hpsearch import Auto"):
        from hpsearch.strategies import Auto as _  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="no attribute 'Atuo'"):
        _ = module.strategies.Atuo


def test_says_what_was_picked_and_records_it() -> None:
    done = study(Auto(trials=9)).run(1, backend="sequential", tracker=MemoryTracker())
    said = f"Auto picked {GaussianProcess(trials=9)!r}: up to 300 trials, or until the clock ends it, "
    assert [note for note in done.notes if note.startswith(said)]
    assert done.record.facts["auto"] == repr(GaussianProcess(trials=9))
    assert done.record.facts["auto_because"].startswith("up to 300 trials")
    assert done.record.identity["strategy"] == "Auto(trials=9)"
    assert "auto" not in study(Auto(trials=9)).run(1, backend="sequential", tracker=MemoryTracker()).study.strategy.__dict__


def test_proposes_what_the_picked_strategy_proposes() -> None:
    ours = study(Auto(trials=14)).run(1, backend="sequential", tracker=MemoryTracker())
    theirs = Study("auto", PLANE, bowl, GaussianProcess(trials=14)).run(1, backend="sequential", tracker=MemoryTracker())
    assert table(ours.trials) == table(theirs.trials)


def test_a_record_made_with_other_rules_keeps_what_was_picked(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = MemoryTracker()
    with monkeypatch.context() as older:
        older.setattr(module, "RULES", (Rule(lambda request: Random(trials=request.trials), "it was the custom"),))
        first = study(Auto(trials=10)).run(1, backend="sequential", tracker=tracker)
    resumed = study(Auto(trials=10)).run(1, backend="sequential", tracker=tracker)
    assert resumed.taken_over == 10
    assert table(resumed.trials) == table(first.trials)
    extended = study(Auto(trials=16)).run(1, backend="sequential", tracker=tracker)
    whole = Study("auto", PLANE, bowl, Random(trials=16)).run(1, backend="sequential", tracker=MemoryTracker())
    assert table(extended.trials) == table(whole.trials)
    assert extended.record.facts["auto"] == "Random(trials=16)"
    assert extended.record.facts["auto_because"] == "it was the custom"
    assert study(Auto(trials=16)).result(tracker).record.facts["auto"] == "Random(trials=16)"
    anew = study(Auto(trials=10)).run(1, backend="sequential", tracker=tracker, fresh=True)
    assert anew.record.facts["auto"] == repr(GaussianProcess(trials=10))


def test_is_recorded_resumed_and_extended_in_a_store(tmp_path: Path, put_store: Callable[[Path], Path]) -> None:
    put_store(tmp_path)
    first = study(Auto(trials=5)).run(1, backend="sequential", tracker=MlflowTracker(root=tmp_path), report=False)
    extended = study(Auto(trials=9)).run(1, backend="sequential", tracker=MlflowTracker(root=tmp_path), report=True)
    assert extended.taken_over == 5
    assert table(extended.trials)[:5] == table(first.trials)
    assert extended.record.facts["auto"] == "QuasiRandom(trials=9, centre=True)"
    (page,) = tmp_path.rglob("report.html")
    picked_and_why = "QuasiRandom(trials=9, centre=True): fewer than 6 trials"
    assert page.read_text().count(picked_and_why) == 2  # the note of the run, and what was searched
    store = Store.open(None, tmp_path)
    description = store.client.get_run(catalog.summary(store, "auto").run_id).data.tags["mlflow.note.content"]
    assert "picked" in description
    assert "QuasiRandom(trials=9, centre=True)" in description
    console = Console(record=True, width=400)
    show_summary(console, catalog.summary(store, "auto"), [], 0)
    assert f"picked: {picked_and_why}" in console.export_text()


@pytest.mark.parametrize(
    "text",
    ["Unheard(of=1)", "__import__('os').system('x')", "Random(trials=print(1))", "Random(", "Random(no=1)", "Random(trials=0)"],
)
def test_a_recorded_strategy_that_is_none_of_ours_is_refused(text: str) -> None:
    assert _read(text) is None
    with pytest.raises(StudyError, match="The strategy picked for study 'auto' must be one of this version"):
        study(Auto(trials=9)).as_recorded(Recorded(facts={"auto": text}))


@pytest.mark.parametrize(
    "strategy", [Random(trials=3), GaussianProcess(trials=9, startup=2), Bayesian(trials=400), Grid(), Hyperband(max_epochs=9)]
)
def test_a_recorded_strategy_is_read_back(strategy: Strategy) -> None:
    assert _read(repr(strategy)) == strategy


def test_works_with_known_and_first_trials_replicates_confirmation_and_stops() -> None:
    known = Study("known", PLANE, bowl, Random(trials=6)).run(1, backend="sequential", tracker=MemoryTracker()).trials
    full = study(
        Auto(trials=10), known=known, first=[{"x": 0.3}], replicates=2, confirm=1, confirm_replicates=2, stop=Stop(trials=25)
    )
    done = full.run(1, backend="sequential", tracker=MemoryTracker())
    assert len(done.trials) == 2 * 1 // 2 + 2 * 10 + 2
    assert table(full.run(2, backend="threading", tracker=MemoryTracker()).trials) == table(done.trials)


def test_works_with_early_stop() -> None:
    def curve(params: Params, context: Context) -> Outcome:
        for step in range(1, 4):
            context.report(step, cost=bowl(params) / step)
        return Outcome(bowl(params))

    rule = MedianStop(curve="cost", trials=3)
    done = study(Auto(trials=16), curve, early_stop=rule).run(1, backend="sequential", tracker=MemoryTracker())
    assert len(done.trials) == 16
    assert {trial.status.value for trial in done.trials} >= {"stopped", "finished"}


def test_a_size_of_batches_is_passed_on_or_said_to_have_no_effect() -> None:
    assert picked(Auto(trials=12, batch_size=3)) == GaussianProcess(trials=12, batch_size=3)
    assert picked(Auto(trials=400, batch_size=3)) == Bayesian(trials=400, batch_size=3)
    assert repr(Auto(trials=12, batch_size=3)) == "Auto(trials=12, batch_size=3)"
    few = study(Auto(trials=4, batch_size=2)).run(1, backend="sequential", tracker=MemoryTracker())
    assert any(note.endswith("Its batch_size=2 has no effect here.") for note in few.notes)
    with pytest.raises(SettingError, match="Auto batch_size must be a whole number >= 1, got 0"):
        Auto(trials=3, batch_size=0)


def test_a_smoke_test_has_two_short_trials() -> None:
    done = study(Auto(epochs=1080), Epochs()).smoke().run(1, backend="sequential", tracker=MemoryTracker())
    assert [trial.budget for trial in done.trials] == [1, 1]


def test_preflight_checks_of_an_objective_come_first() -> None:
    objective = TrainNetwork(data.digits(), hidden=(8,), epochs=2)
    made = Study("auto", Space(learning_rate=Float(0.1, 1.0, log=True)), objective, Auto(trials=2))
    assert made.has_preflight
    batch = next(made.search())
    assert batch.stage.startswith("pre-flight")


def test_compares_with_another_strategy() -> None:
    done = compare(study(Auto(trials=8)), Random(trials=8), repetitions=3, jobs=1, tracker=MemoryTracker())
    assert {trial.params["arm"] for trial in done.result.trials} == {"auto", "random"}
    assert all(trial.ok for trial in done.result.trials)


def test_runs_a_training_that_continues() -> None:
    found = study(Auto(epochs=1080), Epochs())
    done = found.run(1, backend="sequential", tracker=MemoryTracker())
    assert {trial.budget for trial in done.trials} == {1, 3, 9, 27}
    assert any(trial.continues is not None for trial in done.trials)
    assert sum(t.budget or 0 for t in done.trials if t.continues is None) <= 1080


def test_no_rule_is_left_without_a_reason() -> None:
    assert all(rule.reason and rule.reason[0].islower() and not rule.reason.endswith(".") for rule in module.RULES)


def test_versions_of_the_picked_strategy_are_part_of_the_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GaussianProcess, "version", 7, raising=False)
    assert "GaussianProcess 7" in study(Auto(trials=9)).identity["versions"]
