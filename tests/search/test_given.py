"""Settings tried first and known trials: what NumPy, JSON and earlier studies hand in, as the space takes it."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hpsearch import Choice, Float, Int, Space, Study
from hpsearch.errors import SpaceError
from hpsearch.strategies import Random
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Outcome, Params, Status, Trial

SPACE = Space(
    x=Float(0.0, 1.0),
    n=Int(1, 9),
    hidden=Choice((10,), (10, 20)),
    o=Choice("sgd", "adam"),
    mu=Float(0, 1, when={"o": "sgd"}),
)
WHOLE = {"x": 0.5, "n": 3, "hidden": (10, 20), "o": "adam"}


def value(params: Params) -> float:
    assert all(type(found) in (float, int, str, tuple) for found in params.values())
    return float(params["x"])


def study(**changes: Any) -> Study:
    return replace(Study("given", SPACE, value, Random(trials=3), seed=5), **changes)


def run(asked: Study, tracker: MemoryTracker | None = None) -> Any:
    return asked.run(tracker=tracker or MemoryTracker(), backend="sequential").trials


@pytest.mark.parametrize(
    "setting",
    [
        {**WHOLE, "n": np.int64(3), "x": np.float32(0.5), "o": np.str_("adam")},
        {**WHOLE, "hidden": [10, 20]},
        json.loads(json.dumps(WHOLE)),
        {**WHOLE, "hidden": (np.int64(10), np.uint8(20))},
        dict(reversed(WHOLE.items())),
    ],
)
def test_values_of_numpy_and_json_are_those_of_python(setting: dict[str, Any]) -> None:
    trials = run(study(first=[setting]))
    assert repr(trials[0].params) == repr(WHOLE)
    assert trials[0].ok


def test_what_was_accepted_before_keeps_its_text_in_the_identity() -> None:
    before = [{**WHOLE, "x": np.float64(0.5)}, {**WHOLE, "x": 1}, dict(reversed(WHOLE.items()))]
    assert study(first=before).identity["first"] == repr(before)


def test_a_whole_number_for_a_float_is_one() -> None:
    assert repr(run(study(first=[{**WHOLE, "x": 1}]))[0].params["x"]) == "1.0"


def test_what_a_setting_leaves_out_is_drawn_from_the_seed_and_moves_nothing_else() -> None:
    partial = [{"n": 7}, {"mu": 0.25}, {}]
    trials, without = run(study(first=partial)), run(study())
    assert [t.params["n"] for t in trials[:1]] == [7]
    assert (trials[1].params["mu"], trials[1].params["o"]) == (0.25, "sgd")
    assert [t.params for t in trials[3:]] == [t.params for t in without]
    assert table(run(study(first=partial))) == table(trials)
    assert [t.params for t in run(study(first=partial, seed=6))[:3]] != [t.params for t in trials[:3]]
    assert [t.params for t in run(study(first=partial[:2]))[:2]] == [t.params for t in trials[:2]]
    assert study(first=partial).identity["first"] == "[{'n': 7}, {'mu': 0.25}, {}]"
    assert replace(study(first=partial), seed=6).first == tuple(partial)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"n": np.int64(10)}, "Parameter 'n' must be in .*, got 10"),
        ({"hidden": [10, 30]}, r"Parameter 'hidden' must be in .*, got \(10, 30\)"),
        ({"m": 1}, "Unknown parameter 'm'"),
        ({"mu": 0.5, "o": "adam"}, "Parameter 'mu' must be absent"),
    ],
)
def test_a_setting_outside_is_refused_before_the_first_trial(setting: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpaceError, match=sentence):
        study(first=[setting])


def known(number: int, **params: Any) -> Trial:
    return Trial(number, params, "all", Status.FINISHED, Outcome(float(number)))


def test_known_trials_that_fit_are_taken_and_the_others_counted(caplog: pytest.LogCaptureFixture) -> None:
    of_json = {**WHOLE, "hidden": [10], "n": np.int64(2)}
    fits = [known(0, **WHOLE), known(1, **{**WHOLE, "o": "sgd", "mu": 0.5}), known(2, **of_json)]
    lacks = [known(3, x=0.5), known(4, **{**WHOLE, "o": "sgd"})]
    outside = [known(5, **{**WHOLE, "n": 99}), known(6, **WHOLE, y=1), known(7, y=1)]
    with caplog.at_level(logging.WARNING):
        informed = study(known=[*lacks, *fits, *outside])
    assert [record.message for record in caplog.records] == [
        "Known trials left out: 5 of 8 (2 for lack of a parameter, 3 outside the space)."
    ]
    assert [t.number for t in informed.known] == [0, 1, 2]
    assert repr(informed.known[2].params) == repr({**WHOLE, "hidden": (10,), "n": 2})
    assert informed.identity["known"] == study(known=informed.known).identity["known"]
    caplog.clear()
    assert "known" not in study(known=outside[:1]).identity
    assert [record.message for record in caplog.records] == ["Known trials left out: 1 of 1 (1 outside the space)."]


def test_known_trials_that_all_fit_are_taken_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    trials = run(study())
    informed = study(known=trials)
    assert all(one is other for one, other in zip(informed.known, trials, strict=True))
    assert caplog.records == []


ODD = Space(
    a=Choice(math.nan, -999.0), b=Choice((1, 1), (True, True), 1, True, 1.0), c=Choice(-0.0, 5), d=Float(0, 1, step=0.1)
)


def read_odd(params: Params) -> float:
    filled = 0.0 if math.isnan(params["a"]) else 1.0
    return float(filled + len(repr(params["b"])) + params["c"] + params["d"])


def test_nan_and_values_that_python_takes_for_equal_are_recorded_replayed_and_kept_apart() -> None:
    """The independent source is repr: it tells all these values apart."""
    first = [{"a": np.nan, "b": True, "c": 0.0, "d": 0.1 + 0.2}, {"a": np.nan, "b": (True, True), "c": -0.0, "d": 1}]
    odd = Study("odd", ODD, read_odd, Random(trials=30), seed=1, first=first)
    trials = run(odd)
    assert all(trial.ok for trial in trials)
    assert repr(trials[0].params) == "{'a': nan, 'b': True, 'c': 0.0, 'd': 0.3}"
    assert {repr(t.params["b"]) for t in trials} == {"(1, 1)", "(True, True)", "1", "True", "1.0"}
    tracker = MemoryTracker()
    tracker.start(odd.tracked())
    for trial in trials[:21]:
        another_nan = {"a": trial.params["a"] * 1}
        tracker.record(replace(trial, params=dict(reversed(trial.params.items())) | another_nan))
    resumed = run(odd, tracker)
    assert table(resumed[21:]) == table(trials[21:])
    assert len(resumed) == len(trials)


def test_replicates_of_a_setting_with_nan_are_one_candidate() -> None:
    odd = Study("odd", ODD, read_odd, Random(trials=6), seed=1, replicates=3)
    trials = [replace(t, params={**t.params, "a": t.params["a"] * 1}) for t in run(odd)]
    chosen = odd.choose(trials)
    assert chosen is not None
    assert len(chosen.trials) == 3


def test_a_record_of_another_type_does_not_replay() -> None:
    odd = Study("odd", ODD, read_odd, Random(trials=2), seed=1, first=[{"a": -999.0, "b": 1, "c": 5, "d": 0.5}])
    trials = run(odd)
    tracker = MemoryTracker()
    tracker.start(odd.tracked())
    tracker.record(replace(trials[0], params={**trials[0].params, "b": True}))
    with pytest.raises(ValueError, match=r"does not replay: trial 0 was .*'b': True.*, is now .*'b': 1,"):
        run(odd, tracker)
