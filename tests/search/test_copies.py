"""Copies of what is handed in: what is copied and what is shared, read-only; what cannot be copied."""

from __future__ import annotations

import copy
import logging
import math
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from hpsearch import Batch, Choice, Context, Float, Int, Proposal, Space, Study, data
from hpsearch.errors import SettingError, SpaceError, StudyError
from hpsearch.nn.schedules import Constant, HalveOnPlateau
from hpsearch.objectives import CrossValidate, TrainNetwork, TrainSVM, TuneEstimator
from hpsearch.ports import Exported, ObjectiveBase, StrategyBase
from hpsearch.search.copies import Copies, is_frozen
from hpsearch.search.rerun import rerun
from hpsearch.space import Params
from hpsearch.strategies import Grid, Random
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Outcome, Status

LARGE = 2**17 + 1  # float64: just above 1 MB
X = Space(x=Float(0.0, 1.0))


def run(study: Study, backend: Any = "sequential", **options: Any) -> Any:
    return study.run(1, backend=backend, tracker=MemoryTracker(), report=False, **options)


def study(objective: Any, space: Space = X, **changes: Any) -> Study:
    return Study("copies", space, objective, **{"strategy": Random(trials=3), **changes})


class Kind(Enum):
    ONE = 1


@dataclass(frozen=True)
class Theirs:
    """A frozen class of the user's: its fields can be written to by its own code, and a cached property is."""

    size: int = 1


def square(params: Params) -> float:
    return float(params["x"] ** 2)


@pytest.mark.parametrize(
    "thing",
    [
        None, True, 1, 1.5, "a", b"a", (1, ("a", None)), frozenset({1}), range(3), square, len, math.sin, SVC, Kind.ONE,
        np.float32(1), np.dtype("f4"), np.add, np, partial(square, 1, key="a"), MappingProxyType({"a": 1}),
        Constant(), HalveOnPlateau(patience=3), Choice(1, "a"), Space(s=Choice(Constant(), HalveOnPlateau(patience=Int(1, 3)))),
        data.digits(), TrainNetwork(data.digits(), learning_rate=0.1), CrossValidate(TrainSVM(data.digits()), 2),
    ],
    ids=lambda thing: type(thing).__name__,
)  # fmt: skip
def test_what_nothing_can_write_to_is_not_copied(thing: Any) -> None:
    assert is_frozen(thing)


@pytest.mark.parametrize(
    "thing",
    [
        [], {}, set(), (1, []), Theirs(), SVC(), np.zeros(2), np.void(b"a"), partial(square, []),
        MappingProxyType({"a": []}), Choice(1, Theirs()), Theirs().__repr__, bytearray(b"a"),
        TuneEstimator(SVC(), data.digits()), CrossValidate(TuneEstimator(SVC(), data.digits())),
    ],
    ids=lambda thing: type(thing).__name__,
)  # fmt: skip
def test_anything_else_is(thing: Any) -> None:
    assert not is_frozen(thing)


def test_plain_functions_and_networks_pay_nothing() -> None:
    network = Space(learning_rate=Float(0.1, 1.0), schedule=Choice(Constant(), HalveOnPlateau(patience=Int(2, 4))))
    for objective, space in ((square, X), (TrainNetwork(data.digits(), epochs=1), network)):
        made = study(objective, space)
        assert made.copies == Copies()
        assert made.objective is objective
        assert made.space is space


class Holder:
    """Holds what it is given, and hands out what its trials work on."""

    def __init__(self, **held: Any) -> None:
        self.__dict__ |= held

    def __call__(self, params: Params) -> float:
        return 0.0


def own(made: Study) -> Any:
    """Return the object that one trial works on."""
    objective: Any = made.copies.of(made.adapted)[0]
    return objective.given


def test_arrays_above_a_megabyte_are_shared_read_only_and_smaller_ones_copied() -> None:
    small, large = np.zeros(4), np.zeros(LARGE)
    holder = Holder(small=small, large=large, deep=[{"same": large}])
    made = study(holder)
    one, other = own(made), own(made)
    assert np.shares_memory(one.large, large)
    assert not one.large.flags.writeable
    assert one.large is one.deep[0]["same"]
    assert not np.shares_memory(one.small, other.small)
    assert one.small.flags.writeable
    assert large.flags.writeable  # the user's own stays as it was
    one.small += 1
    one.deep.append(1)
    assert small.sum() == other.small.sum() == own(made).small.sum() == 0
    assert len(holder.deep) == len(own(made).deep) == 1


@pytest.mark.parametrize(
    "frame", [pd.DataFrame({"a": np.zeros(LARGE), "b": "u"}), pd.Series(np.zeros(LARGE))], ids=["frame", "series"]
)
def test_frames_above_a_megabyte_are_copied_when_a_trial_writes_to_them(frame: Any) -> None:
    """pandas 3 copies on write; pandas itself says whether two frames share memory."""
    made = study(Holder(frame=frame))
    one, other = own(made).frame, own(made).frame

    def values(of: Any) -> Any:
        return (of if isinstance(of, pd.Series) else of["a"]).to_numpy()

    assert np.shares_memory(values(one), values(frame))
    if isinstance(one, pd.DataFrame):
        one.loc[0, "a"] = 5.0
    else:
        one.loc[0] = 5.0
    assert values(one)[0] == 5.0
    assert values(frame)[0] == values(other)[0] == values(own(made).frame)[0] == 0.0
    values(frame)  # the user may go on with it
    if isinstance(frame, pd.Series):
        changed = frame.copy()
        changed.iloc[0] = 1.0
        assert changed.iloc[0] == 1.0


def test_an_array_of_objects_is_shared_only_where_nothing_can_write_to_them() -> None:
    texts, lists = np.array(["a"] * LARGE, dtype=object), np.empty(LARGE, dtype=object)
    lists[:] = None
    lists[0] = [1]
    mine = own(study(Holder(texts=texts, lists=lists)))
    assert np.shares_memory(mine.texts, texts)
    mine.lists[0].append(2)
    assert lists[0] == [1]


def test_data_sets_are_shared() -> None:
    digits = data.digits()
    objective = TuneEstimator(SVC(), digits)
    made = study(objective, Space(C=Float(0.1, 1.0)))
    mine: Any = made.copies.of(made.adapted)[0]
    assert mine.data is digits
    assert mine.estimator is not made.objective.estimator is not objective.estimator  # type: ignore[attr-defined]


def test_one_object_in_params_and_objective_is_one_in_the_copies() -> None:
    option = Theirs(2)
    made = study(Holder(known=[option]), Space(c=Choice(option, Theirs(3))))
    objective, params = made.copies.of(made.adapted, made.space.resolve({"c": made.space.grid()[0]["c"]}))
    assert params["c"] is objective.given.known[0]  # type: ignore[attr-defined]
    assert params["c"] is not option


def test_later_changes_of_the_users_reach_no_trial() -> None:
    option, holder = {"power": [2]}, Counter()
    made = study(holder, Space(c=Choice(option, {"power": [3]})), strategy=Grid())
    option["power"].append(100)
    holder.calls = 100
    assert [trial.value for trial in run(made).trials] == [1 + 2, 1 + 3]


def test_settings_may_name_an_option_by_the_object_itself() -> None:
    one, other = SVC(C=2.0), SVC(C=3.0)
    space, first, grid = Space(c=Choice(one, other), x=Float(0.0, 1.0)), [{"c": other, "x": 0.5}], {"c": [one], "x": 2}

    def adds(params: Params) -> float:
        return float(params["c"].set_params(C=params["c"].C + params["x"]).C)

    made = study(adds, space, first=first, strategy=Grid(grid))
    assert [trial.value for trial in run(made).trials] == [3.5, 2.0, 3.0]
    assert (one.C, other.C) == (2.0, 3.0)


class Counter:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, params: Params) -> float:
        self.calls += 1
        return float(self.calls + sum(params["c"]["power"]))


def test_the_example_of_an_option_that_two_trials_share() -> None:
    """The values are scikit-learn's own, of pipelines that are written out and fitted here."""
    digits = data.digits()
    space = Space(
        scale=Choice("passthrough", StandardScaler()),
        clf=Choice(SVC(), SVC(kernel="linear")),
        clf__C=Float(1e-5, 1e-4, log=True, when={"scale": "passthrough"}),
    )
    written = repr(space)
    made = Study("shared", space, TuneEstimator(Pipeline([("scale", "passthrough"), ("clf", SVC())]), digits), Grid(points=2))
    assert repr(space) == repr(made.space) == written
    scaled = [trial for trial in run(made).trials if trial.params["scale"] != "passthrough"]
    assert len(scaled) == 2
    for trial in scaled:
        kernel = "linear" if "linear" in trial.params["clf"] else "rbf"
        model = make_pipeline(StandardScaler(), SVC(kernel=kernel)).fit(digits.train.x, digits.train.y)
        assert trial.value == 1 - model.score(digits.validation.x, digits.validation.y)
    assert f"{scaled[1].value:.4f}" == "0.0195"
    assert repr(space) == repr(made.space) == written


class Checked(Holder):
    """Writes to itself and to its params wherever it is called."""

    def __init__(self) -> None:
        super().__init__(settings={"kind": "a"}, calls=0)

    def _write(self, params: Params) -> float:
        self.settings.pop("kind")
        params["c"].pop("kind")
        self.calls += 1
        return float(self.calls)

    def check(self, params: Params) -> None:
        self._write(params)

    def __call__(self, params: Params) -> float:
        return self._write(params)

    def preflight(self, space: Space) -> Iterator[Any]:
        self.settings.pop("kind")
        yield Batch([Proposal(space.from_unit([0.0]))], "pre-flight: own")
        return space

    def shrunk(self) -> Checked:
        self.settings.pop("kind")
        return Checked()

    def test(self, params: Params, context: Context, part: Any) -> dict[str, float]:
        return {"test_error": self._write(params)}

    def export(self, params: Params, context: Context) -> Exported:
        self._write(params)
        raise SettingError("exported")


def popping() -> Study:
    return study(Checked(), Space(c=Choice({"kind": 1, "a": 1}, {"kind": 2, "b": 2})))


def test_checks_trials_and_a_smoke_test_have_objects_of_their_own() -> None:
    made = popping()
    for each in (made, made, made.smoke(), replace(made, seed=2)):
        assert {(trial.status, trial.value) for trial in run(each, model=False).trials} == {(Status.FINISHED, 1.0)}


def test_a_rerun_that_is_debugged_has_objects_of_its_own() -> None:
    made = popping()
    trial = run(made, model=False).trials[0]
    for _ in range(2):
        assert rerun(made, trial, debug=True).differences == ()


def test_exporting_twice_finds_the_same_objects() -> None:
    result = run(popping(), model=False)
    for _ in range(2):
        with pytest.raises(SettingError, match="exported"):
            result.network()


@dataclass(frozen=True)
class Twice(StrategyBase):
    """Continues trial 0 two times."""

    continues = True

    def search(self, space: Space, rng: np.random.Generator, known: Any = ()) -> Any:
        yield Batch([Proposal({"x": 0.5}, budget=1)])
        yield Batch([Proposal({"x": 0.5}, budget=2, continues=0)] * 2)


@pytest.mark.parametrize("backend", ["sequential", "loky"])
def test_a_state_that_two_trials_continue_is_copied_for_each(backend: Any) -> None:
    def adds(params: Params, context: Context) -> Outcome:
        state = context.state or {"w": np.zeros(LARGE)}
        state["w"][:] += 1  # in place, also where it is large
        return Outcome(float(state["w"][0]), state=state)

    assert [trial.value for trial in run(Study("twice", X, adds, Twice()), backend).trials] == [1.0, 2.0, 2.0]


def test_params_taken_apart_are_whole_in_the_next_attempt() -> None:
    def takes(params: Params) -> float:
        return float(params.pop("x"))

    made = study(takes)
    trial = run(made).trials[0]
    assert rerun(made, trial, debug=True).differences == ()


class Fatal(Holder):
    """Takes itself and its params apart, and the first time ends its process."""

    def __call__(self, params: Params) -> float:
        value = self.settings.pop("kind") + params.pop("option").pop("kind")
        if not self.mark.exists():
            self.mark.touch()
            os._exit(3)
        return float(value)


@pytest.mark.parametrize("limits", [pytest.param({}, marks=pytest.mark.campaign), {"trial_seconds": 60.0}])
def test_a_second_attempt_finds_the_objects_as_the_first_one_did(tmp_path: Path, limits: dict[str, float]) -> None:
    objective = Fatal(settings={"kind": 1}, mark=tmp_path / "tried")
    made = study(objective, Space(option=Choice({"kind": 2}, {"kind": 2, "more": 3})), **limits)
    assert [(trial.status, trial.value) for trial in run(made, "loky").trials] == [(Status.FINISHED, 3.0)] * 3
    assert objective.mark.exists()


@dataclass
class Locked:
    lock: Any = field(default_factory=threading.Lock, repr=False)


@dataclass
class Streaming:
    lines: Any = field(default_factory=lambda: iter(line for line in "ab"), repr=False)


class Chain:
    """A linked list that is deeper than Python's stack."""

    def __init__(self, depth: int = 5000) -> None:
        self.next: Any = None
        for _ in range(depth):
            link = Chain.__new__(Chain)
            link.next, self.next = self.next, link

    def __repr__(self) -> str:
        return "Chain()"


@pytest.mark.parametrize(
    "make", [Locked, Streaming, Chain, partial(Path(__file__).open)], ids=["lock", "generator", "deep", "file"]
)
def test_an_option_that_cannot_be_copied_is_refused(make: Any) -> None:
    option = make()
    with pytest.raises(
        SpaceError, match=r"Option .* of 'c' must be an object that can be copied, got .*Error.*Each trial works on"
    ):
        study(square, Space(c=Choice("a", option), x=Float(0.0, 1.0)))
    if hasattr(option, "close"):
        option.close()


@pytest.mark.parametrize(
    ("make", "kind"), [(threading.Lock, "lock"), (lambda: iter(x for x in "ab"), "generator"), (Chain, "Chain")]
)
def test_what_cannot_be_copied_in_an_objective_is_shared_and_said(
    make: Any, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    held = make()
    made = study(Holder(calls=[], held=held))
    mine = own(made)
    assert mine.held is held
    assert mine.calls is not own(made).calls
    with caplog.at_level(logging.WARNING):
        run(made)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"What cannot be copied in Holder ({kind}) is shared by all trials: what one of them changes there reaches the others."
    ]


def test_an_objective_that_is_no_copy_of_its_own_is_shared_and_said(caplog: pytest.LogCaptureFixture) -> None:
    class Proud(Holder):
        def __deepcopy__(self, memo: Any) -> Any:
            raise ValueError("only one of me")

    proud = Proud()
    made = study(proud)
    assert own(made) is proud
    run(made)
    assert "What cannot be copied of Proud is shared by all trials" in caplog.text


def test_workers_still_refuse_what_does_not_pickle() -> None:
    with pytest.raises(StudyError, match="An objective must be picklable"):
        run(study(Holder(lock=threading.Lock())), "loky")


def test_a_copy_that_fails_later_fails_the_trial_alone() -> None:
    class Moody(Holder):
        def __deepcopy__(self, memo: Any) -> Any:
            if BROKEN:
                raise ValueError("not now")
            return Moody()

    made = study(Moody())
    BROKEN.append(True)
    assert {(t.status, t.error) for t in run(made).trials} == {(Status.FAILED, "ValueError: not now")}
    BROKEN.clear()


BROKEN: list[bool] = []


class Slotted(Holder):
    __slots__ = ("more",)


class Listed(list[Any]):
    def __call__(self, params: Params) -> float:
        return float(len(self))


class Stated(Holder):
    def __getstate__(self) -> dict[str, Any]:
        return {"kept": self.kept}


class Born(Holder):
    def __new__(cls, **held: Any) -> Born:
        made = super().__new__(cls)
        made.born = 1
        return made


def slotted() -> Slotted:
    made = Slotted(a=[1])
    made.more = [2]
    return made


def circular() -> Holder:
    made = Holder(a=[1])
    made.me, made.a = made, [made.a]
    return made


@pytest.mark.parametrize(
    "make",
    [
        lambda: Holder(a={"b": [1, (2, {3})]}, c=Theirs(4), d=SVC(C=2.0), e=1), slotted, lambda: Listed([1, [2]]),
        lambda: Stated(kept=[1], dropped=[2]), lambda: Born(a=[1]), circular, lambda: Holder(),
    ],
)  # fmt: skip
def test_a_copy_is_as_good_as_one_by_deepcopy(make: Any) -> None:
    """For objects without anything to share, `copy.deepcopy` itself is the source; a pickle shows all that they hold."""
    made = study(make())
    mine, expected = own(made), copy.deepcopy(made.objective)
    assert cloudpickle.dumps(mine) == cloudpickle.dumps(expected)
    assert mine is not made.objective
    held = vars(mine)
    assert [name for name, value in vars(made.objective).items() if value is held[name] and not is_frozen(value)] == []
    assert held.get("me", mine) is mine


def test_what_the_study_makes_the_objective_keep_is_copied_too() -> None:
    """The study reads these attributes of its own copy, after it was taken."""

    class Keeping(Holder):
        @cached_property
        def required(self) -> list[str]:
            return ["x"]

        def __call__(self, params: Params) -> float:
            self.required.append("y")
            return float(len(self.required))

    assert [trial.value for trial in run(study(Keeping(a=1))).trials] == [2.0] * 3


class Base(ObjectiveBase):
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, params: Params, context: Context) -> float:
        self.calls += 1
        return float(self.calls)


def test_subclasses_of_the_base_class_are_copied_too() -> None:
    base = Base()
    assert [trial.value for trial in run(study(base)).trials] == [1.0] * 3
    assert base.calls == 0
