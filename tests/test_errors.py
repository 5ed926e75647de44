"""Values in sentences: their repr where it is short, kind and shape or the start of it where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.svm import SVC

from hpsearch import Float, Int, Space, Study, data
from hpsearch.errors import HpsearchError, brief
from hpsearch.nn.schedules import HalveOnPlateau
from hpsearch.objectives import CrossValidate, TrainNetwork, TrainSVM, TuneEstimator
from hpsearch.search.stopping import MedianStop, Stop
from hpsearch.strategies import Bayesian, FollowSlope, Grow, Halving, InTurn, QuasiRandom, Random

X, Y = np.random.default_rng(0).random((500, 30)), np.arange(500) % 3
small = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.floats(width=16) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(small)
def test_what_is_short_is_shown_as_python_does(value: object) -> None:
    if len(repr(value)) < 300:
        assert brief(value) == repr(value)


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError


SHORT = {
    "array": (X, "ndarray of shape (500, 30)"),
    "pair": ((X, Y), "(ndarray of shape (500, 30), ndarray of shape (500,))"),
    "frame": (pd.DataFrame(X), "DataFrame of shape (500, 30)"),
    "series": (pd.Series(Y), "Series of shape (500,)"),
    "few numbers": (np.array([1, 2]), "array([1, 2])"),
    "sparse": (csr_array(X), "csr_array of shape (500, 30)"),
    "in a dict": ({"x": X}, "{'x': ndarray of shape (500, 30)}"),
    "many": (list(range(1000)), "... (1000 in all)]"),
    "rows": (X.tolist(), "... (500 in all)]"),
    "text": ("ab" * 5000, "... (10000 signs)'"),
    "one": ({1}, "{1}"),
    "frozen": (frozenset({2}), "frozenset({2})"),
    "broken": (Broken(), "Broken (no text: its repr() raised RuntimeError)"),
}


@pytest.mark.parametrize("case", SHORT)
def test_what_is_long_is_cut(case: str) -> None:
    value, shown = SHORT[case]
    assert brief(value).endswith(shown)
    assert len(brief(value)) <= 700
    assert "\n" not in brief(value)


LINES = Space(x=Float(0, 1))
TAKERS: dict[str, Callable[[Any], Any]] = {
    "TuneEstimator data": lambda bad: TuneEstimator(SVC(), bad),
    "TuneEstimator estimator": lambda bad: TuneEstimator(bad, data.digits()),
    "TuneEstimator value": lambda bad: TuneEstimator(SVC(), data.digits(), value=bad),
    "TrainNetwork data": lambda bad: TrainNetwork(bad),
    "TrainNetwork hidden": lambda bad: TrainNetwork(data.digits(), hidden=bad),
    "TrainNetwork epochs": lambda bad: TrainNetwork(data.digits(), epochs=bad),
    "TrainNetwork momentum": lambda bad: TrainNetwork(data.digits(), momentum=bad),
    "TrainSVM data": lambda bad: TrainSVM(bad),
    "TrainSVM C": lambda bad: TrainSVM(data.digits(), C=bad),
    "CrossValidate": lambda bad: CrossValidate(bad),
    "data.arrays y": lambda bad: data.arrays(X, bad),
    "data.arrays validation": lambda bad: data.arrays(X, Y, validation=(bad,) if isinstance(bad, tuple) else bad),
    "data.arrays test": lambda bad: data.arrays(X, Y, test=(bad,) if isinstance(bad, tuple) else bad),
    "data.named": lambda bad: data.named(bad),
    "Study name": lambda bad: Study(bad, LINES, lambda p: 0, Random(2)),
    "Study space": lambda bad: Study("s", bad, lambda p: 0, Random(2)),
    "Study objective": lambda bad: Study("s", LINES, bad, Random(2)),
    "Study strategy": lambda bad: Study("s", LINES, lambda p: 0, bad),
    "Study seed": lambda bad: Study("s", LINES, lambda p: 0, Random(2), seed=bad),
    "Study first": lambda bad: Study("s", LINES, lambda p: 0, Random(2), first=[bad]),
    "Study known": lambda bad: Study("s", LINES, lambda p: 0, Random(2), known=[bad]),
    "Study stop": lambda bad: Study("s", LINES, lambda p: 0, Random(2), stop=bad),
    "Study early_stop": lambda bad: Study("s", LINES, lambda p: 0, Random(2), early_stop=bad),
    "Study trial_seconds": lambda bad: Study("s", LINES, lambda p: 0, Random(2), trial_seconds=bad),
    "run progress": lambda bad: Study("s", LINES, lambda p: 0, Random(2)).run(progress=bad),
    "run jobs": lambda bad: Study("s", LINES, lambda p: 0, Random(2)).run(bad),
    "Space": lambda bad: Space(x=bad),
    "Space check": lambda bad: LINES.check({"x": bad}),
    "Float low": lambda bad: Float(bad, 1),
    "Int high": lambda bad: Int(0, bad),
    "Random": lambda bad: Random(bad),
    "QuasiRandom": lambda bad: QuasiRandom(bad),
    "InTurn": lambda bad: InTurn(trials=bad),
    "InTurn order": lambda bad: InTurn(bad),
    "FollowSlope": lambda bad: FollowSlope(bad),
    "Grow": lambda bad: Grow(("a",), trials=bad),
    "Grow by": lambda bad: Grow(bad),
    "Halving": lambda bad: Halving(bad),
    "Bayesian": lambda bad: Bayesian(bad),
    "Stop trials": lambda bad: Stop(trials=bad),
    "Stop seconds": lambda bad: Stop(seconds=bad),
    "MedianStop": lambda bad: MedianStop(curve=bad),
    "HalveOnPlateau": lambda bad: HalveOnPlateau(patience=bad),
}


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize("bad", [(X, Y), X, pd.DataFrame(X), X.tolist()], ids=["pair", "array", "frame", "rows"])
def test_no_error_prints_a_whole_table(taker: str, bad: Any) -> None:
    with pytest.raises(HpsearchError) as caught:
        TAKERS[taker](bad)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 900


def test_arrays_in_place_of_a_data_set_are_told_what_to_do() -> None:
    with pytest.raises(HpsearchError) as caught:
        TuneEstimator(SVC(), (X, Y))  # type: ignore[arg-type]
    assert str(caught.value) == (
        "data must be a data set, got (ndarray of shape (500, 30), ndarray of shape (500,))."
        " Load one, as in data.digits() or data.arrays(X, y)."
    )
