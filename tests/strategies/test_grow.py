"""A problem that grows: its sizes, what each stage begins with, what counts as a signal, and that only the whole one counts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import pytest

from hpsearch import Choice, Context, Float, Int, Outcome, Space, Status, Study, Trial, data
from hpsearch.errors import SettingError
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Batch, Proposal
from hpsearch.strategies import Grow
from hpsearch.testing import drive
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import PREFLIGHT

SPACE = Space(
    learning_rate=Float(1e-3, 100.0, log=True),
    l2=Float(1e-2, 1e4, log=True),
    classes=Choice(2, 10),
    train_size=Choice(1000, 10_000, 50_000),
    hidden=Choice((), (30,)),
)
BY = ("classes", "train_size", "hidden")
STAGES = [f"{PREFLIGHT}: size 1 of 3", f"{PREFLIGHT}: size 2 of 3", "whole"]


def valley(params: Mapping[str, Any]) -> float:
    """Return the squared distance in decades from a rate of 0.3, and a value that falls as the problem shrinks."""
    return math.log10(params["learning_rate"] / 0.3) ** 2 + math.log10(params["l2"] / 5.0) ** 2 + params["train_size"] / 50_000


def run(strategy: Grow, space: Space = SPACE, value: Any = valley, **options: Any) -> tuple[list[Batch], list[Trial]]:
    def end(number: int, proposal: Proposal, stage: str) -> Trial:
        return Trial(number, proposal.params, stage, Status.FINISHED, Outcome(value(proposal.params)))

    return drive(strategy, space, end=end, **options)


def of(trials: list[Trial], stage: str) -> list[Trial]:
    return [trial for trial in trials if trial.stage == stage]


def test_every_stage_takes_the_next_option_of_each_growing_parameter() -> None:
    _, trials = run(Grow(BY, trials=12, reduced=8))
    sizes = [{tuple(trial.params[name] for name in BY) for trial in of(trials, stage)} for stage in STAGES]
    assert sizes == [{(2, 1000, ())}, {(10, 10_000, (30,))}, {(10, 50_000, (30,))}]
    assert [len(of(trials, stage)) for stage in STAGES] == [8, 8, 12]


def test_each_stage_says_what_it_is_and_what_it_begins_with() -> None:
    batches, trials = run(Grow(BY, trials=12, reduced=8))
    notes = [batch.note for batch in batches if batch.note]
    assert notes[0] == "Size 1 of 3: classes 2, train_size 1000, hidden ()."
    rate, decay = (of(trials, "whole")[0].params[name] for name in ("learning_rate", "l2"))
    assert notes[2] == (
        f"Size 3 of 3: classes 10, train_size 50000, hidden (30,). It begins with learning_rate {rate:.4g}, l2 {decay:.4g}."
    )


def test_a_range_grows_from_its_low_to_its_high_end() -> None:
    space = Space(learning_rate=Float(0.01, 1.0, log=True), epochs=Int(1, 9))
    _, trials = run(Grow(("epochs",), trials=4, reduced=4), space, lambda params: params["learning_rate"])
    assert [next(iter({t.params["epochs"] for t in of(trials, stage)})) for stage in STAGES] == [1, 5, 9]


def test_a_stage_begins_with_the_best_of_the_one_before() -> None:
    """Without noise the model that ranks them agrees with the values; both of a stage's first two are among its best four."""
    _, trials = run(Grow(BY, trials=8, reduced=16))
    for before, after in itertools.pairwise(STAGES):
        ranked = sorted(of(trials, before), key=lambda trial: trial.value)
        for first in of(trials, after)[:2]:
            assert first.params["learning_rate"] in [trial.params["learning_rate"] for trial in ranked[:4]]


def test_it_finds_the_bottom_of_the_valley() -> None:
    distances = []
    for seed in range(5):
        _, trials = run(Grow(BY, trials=16, reduced=16), seed=seed)
        found = min(of(trials, "whole"), key=lambda trial: trial.value).params
        distances.append(math.hypot(math.log10(found["learning_rate"] / 0.3), math.log10(found["l2"] / 5.0)))
    assert max(distances) < 0.3  # decades of five and six


def test_a_smaller_problem_is_never_the_best_trial_of_a_study() -> None:
    """Its values are the lowest here: they fall with the number of rows."""
    result = Study("grow", SPACE, valley, Grow(BY, trials=6, reduced=6)).run(1, backend="sequential", tracker=MemoryTracker())
    assert result.best is not None
    assert result.best.params["train_size"] == 50_000
    assert min(result.trials, key=lambda trial: trial.value).params["train_size"] == 1000


def test_it_draws_again_where_nothing_is_better_than_chance() -> None:
    """The document's first setting, rate 10 and lambda 1000, is at chance; here all settings with a rate above 0.01 are."""
    space = Space(learning_rate=Float(1e-3, 100.0, log=True), train_size=Choice(1000, 10_000))
    batches, trials = run(
        Grow(("train_size",), trials=4, reduced=2), space, lambda params: 0.9 if params["learning_rate"] > 5e-3 else 0.4
    )
    notes = [batch.note for batch in batches if batch.note]
    assert "No signal: all 2 trials have the value 0.9. More settings are drawn." in notes
    assert len(of(trials, f"{PREFLIGHT}: size 1 of 2")) > 2


def test_it_says_so_where_there_is_no_signal_at_all() -> None:
    batches, trials = run(Grow(BY, trials=2, reduced=3), value=lambda params: 0.9)
    assert len(of(trials, STAGES[0])) == 9
    notes = [batch.note for batch in batches if batch.note]
    assert "No signal: all 9 trials have the value 0.9. Take wider ranges, or value='cost'." in notes


def test_a_stage_in_which_all_fails_ends_it_with_a_sentence() -> None:
    batches, trials = drive(Grow(BY, trials=9, reduced=4), SPACE, fail=True)
    assert len(trials) == 12
    assert batches[-1].note.startswith(f"All 12 trials of stage {STAGES[0]!r} failed, so the search ends. First error: ")


def test_the_best_known_settings_come_first() -> None:
    params = {"learning_rate": 0.3, "l2": 5.0, "classes": 10, "train_size": 50_000, "hidden": (30,)}
    known = (Trial(0, params, "whole", Status.FINISHED, Outcome(0.1)),)
    _, trials = run(Grow(BY, trials=4, reduced=4), known=known)
    first = trials[0].params
    assert (first["learning_rate"], first["l2"], first["train_size"]) == (0.3, 5.0, 1000)


def test_a_parameter_that_comes_with_a_size_is_drawn_there() -> None:
    space = Space(rate=Float(0.01, 1.0, log=True), hidden=Choice((), (30,)), dropout=Float(0.0, 0.5, when={"hidden": "(30,)"}))
    _, trials = run(Grow(("hidden",), trials=6, reduced=6), space, lambda params: params["rate"])
    assert all(("dropout" in trial.params) == (trial.params["hidden"] == (30,)) for trial in trials)
    assert len(trials) == 12


def test_it_grows_a_network_from_two_classes_of_the_digits() -> None:
    """Two classes without hidden units are learnt by nearly every rate, all ten by few; both are scored on their own rows."""
    space = Space(
        learning_rate=Float(1e-2, 30.0, log=True), classes=Choice(2, 10), train_size=Choice(100, 500), hidden=Choice((), (10,))
    )
    study = Study(
        "digits", space, TrainNetwork(data.digits(), epochs=3), Grow(BY, trials=4, reduced=4, preflight=False), seed=1
    )
    result = study.run(1, backend="sequential", tracker=MemoryTracker())
    assert {trial.status for trial in result.trials} == {Status.FINISHED}
    small = min(trial.value for trial in result.trials if trial.is_preflight)
    assert small < 0.05
    assert result.test()["test_error"] < 0.9


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"by": "hidden"}, r"Grow by must be a tuple of names, got 'hidden'\. Write it as in \('train_size', 'hidden'\)\."),
        ({"by": ()}, r"Grow by must be a tuple of names, got \(\)\."),
        ({"by": ("a",), "trials": 0}, r"Grow trials must be a whole number >= 1, got 0\. Try 24\."),
        ({"by": ("a",), "reduced": 1.5}, r"Grow reduced must be a whole number >= 1, got 1\.5\. Try 16\."),
        ({"by": ("a",), "preflight": 1}, r"Grow preflight must be True or False, got 1\."),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        Grow(**settings)


@pytest.mark.parametrize(
    ("by", "sentence"),
    [
        (("clases",), r"Grow by must be names of parameters, .*, got 'clases'\. Take some of them\. Did you mean 'classes'\?"),
        (
            ("s.patience",),
            r"got 's\.patience'\. It is there for some values of 's' alone\. Name 's' before it, or leave it out\.",
        ),
        (("one",), r"Grow by must be parameters of at least two options, got \('one',\)\."),
        (
            ("classes", "s", "s.patience", "one"),
            r"Grow by must be some parameters of the space, but not all, got .* Add what is to be searched",
        ),
    ],
)
def test_names_are_checked_before_the_first_trial(by: tuple[str, ...], sentence: str) -> None:
    from hpsearch.nn.schedules import Constant, HalveOnPlateau

    space = Space(classes=Choice(2, 10), s=Choice(Constant(), HalveOnPlateau(patience=Int(2, 10))), one=Choice(1))
    with pytest.raises(SettingError, match=sentence):
        Study("s", space, lambda params: 0.0, Grow(by))


def test_data_without_classes_cannot_grow_by_them() -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    rows = data.arrays(x, x[:, 0], regression=True)
    space = Space(learning_rate=Float(0.01, 1.0, log=True), classes=Choice(2, 3))
    with pytest.raises(SettingError, match=r"classes must be used with data that have classes, got 3\. Leave it out: these"):
        Study("s", space, TrainNetwork(rows, epochs=1), Grow(("classes",)))


def test_its_repr_is_its_record() -> None:
    assert repr(Grow(["a"], trials=9)) == "Grow(by=('a',), trials=9, reduced=16, batch_size=8, preflight=True)"  # type: ignore[arg-type]
    assert Grow(("a",)).version == 1


def test_the_context_says_which_stage_it_is() -> None:
    """Users' own objectives grow by whatever their params mean."""
    seen = []

    def objective(params: dict[str, Any], context: Context) -> float:
        seen.append((context.stage, params["rows"]))
        return float(params["x"])

    space = Space(x=Float(0.0, 1.0), rows=Choice(10, 100))
    Study("own", space, objective, Grow(("rows",), trials=2, reduced=2)).run(1, backend="sequential", tracker=MemoryTracker())
    assert [*dict.fromkeys(seen)] == [(f"{PREFLIGHT}: size 1 of 2", 10), ("whole", 100)]
