"""The content of a value: what changes its digest, what does not, what is left out and what cannot be read."""

from __future__ import annotations

import functools
import os
import random
import subprocess
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from hpsearch import data
from hpsearch.content import read_content

RATE = 0.5
LOG: list[Any] = []
CACHE: dict[Any, Any] = {}
ROWS = [1, 2, 3]
k = 7


TYPED = """
from hpsearch import Float, Space, Study
from hpsearch.strategies import Random
def show(objective):
    print(Study("s", Space(x=Float(0, 1)), objective, Random(trials=1)).identity["objective"])
rate = {"a": [1, 2]}
def objective(params):
    return params["x"] * len(rate)
show(objective)
def objective(params):
    return params["x"] * len(rate)
show(objective)
def objective(params):
    return params["x"] + len(rate)
show(objective)
rate["a"].append(3)
show(objective)
"""


class Settings:
    """Settings as many people keep them: on a class."""

    rate = 1.0
    seen = 0


SETTINGS = Settings()


def same(one: Any, other: Any) -> bool:
    return read_content(one).digest == read_content(other).digest


def reads_a_global(params: dict[str, Any]) -> float:
    return float(params["x"] * RATE)


def reads_a_class(params: dict[str, Any]) -> float:
    return float(params["x"] * Settings.rate + SETTINGS.rate)


def reads_a_list(params: dict[str, Any]) -> float:
    return float(sum(ROWS) * params["x"])


def writes(params: dict[str, Any]) -> float:
    log = LOG
    log.append(params)
    CACHE[params["x"]] = 1
    SETTINGS.seen = 1
    return float(params["x"])


def names_an_attribute(params: Any) -> Any:
    return params.k


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"x", "y", "z"}, {"z", "y", "x"}),
        (np.arange(6).reshape(2, 3), np.arange(6).reshape(3, 2).reshape(2, 3)),
        (np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(6.0).reshape(2, 3)),
        (SVC(C=2.0), SVC(C=2.0)),
        (functools.partial(reads_a_global, rate=1), functools.partial(reads_a_global, rate=1)),
        (Path("a/b"), Path("a") / "b"),
        (deque([1, 2]), deque([1, 2])),
        (pd.Series([1, None, "a"]), pd.Series([1, None, "a"])),
        (float("nan"), float("nan")),
    ],
)
def test_equal_values_have_equal_digests(one: Any, other: Any) -> None:
    assert same(one, other)


FRAME = pd.DataFrame({"a": np.arange(1000.0), "b": ["x", "y"] * 500, "c": pd.date_range("2020", periods=1000, tz="UTC")})


def changed(frame: pd.DataFrame, column: str, value: Any) -> pd.DataFrame:
    other = frame.copy()
    other.loc[500, column] = value  # neither head nor tail, which is what its repr shows
    return other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        ("1", 1),
        ([1, 2], (1, 2)),
        ([1] * 20, [1.0] * 20),
        (np.arange(3), np.arange(3.0)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.float32(1), np.float64(1)),
        (FRAME, changed(FRAME, "a", 0.25)),
        (FRAME, changed(FRAME, "b", "z")),
        (FRAME, changed(FRAME, "b", None)),
        (FRAME, changed(FRAME, "c", pd.Timestamp("2021", tz="UTC"))),
        (FRAME, FRAME.rename(columns={"a": "d"})),
        (FRAME, FRAME.set_index("a")),
        (FRAME["a"], FRAME["a"].astype("float32")),
        (FRAME["b"], FRAME["b"].astype("category")),
        (SVC(C=2.0), SVC(C=3.0)),
        (make_pipeline(StandardScaler(), SVC()), make_pipeline(StandardScaler(with_mean=False), SVC())),
        (FunctionTransformer(np.log), FunctionTransformer(np.exp)),
        (functools.partial(reads_a_global, rate=1), functools.partial(reads_a_global, rate=2)),
        (Fraction(1, 3), Fraction(2, 3)),
        (OrderedDict(a=1), OrderedDict(a=2)),
        (lambda p: p + 1, lambda p: p + 2),
        (lambda p: p.real, lambda p: p.imag),
        (data.digits(), data.digits().head(train=1000)),
    ],
)
def test_different_values_have_different_digests(one: Any, other: Any) -> None:
    assert not same(one, other)


@pytest.mark.parametrize(
    ("function", "owner", "name", "value"),
    [
        (reads_a_global, sys.modules[__name__], "RATE", 2.0),
        (reads_a_class, Settings, "rate", 2.0),
        (reads_a_class, SETTINGS, "rate", 2.0),
        (reads_a_list, sys.modules[__name__], "ROWS", [1, 2, 4]),
    ],
)
def test_what_a_function_reads_counts(
    monkeypatch: pytest.MonkeyPatch, function: Callable[..., float], owner: Any, name: str, value: Any
) -> None:
    before = read_content(function).digest
    monkeypatch.setattr(owner, name, value, raising=False)
    assert read_content(function).digest != before
    monkeypatch.undo()
    assert read_content(function).digest == before


def test_what_a_function_writes_to_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_content(writes)
    assert before.left_out == ("CACHE", "LOG")
    writes({"x": 1})
    after = read_content(writes)
    assert (after.digest, after.left_out) == (before.digest, ("CACHE", "LOG", "Settings.seen"))
    monkeypatch.setattr(Settings, "rate", 3.0)
    assert read_content(writes).digest != before.digest


def test_a_global_named_like_an_attribute_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_content(names_an_attribute).digest
    monkeypatch.setattr(sys.modules[__name__], "k", 8)
    assert read_content(names_an_attribute).digest == before


class Objective:
    """An objective as an object, with a cache, a counter, a list it is given and a method that sets a value."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.points = [1, 2]
        self.cache: dict[float, float] = {}
        self.calls = 0

    def set_rate(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, params: dict[str, float]) -> float:
        self.calls += 1
        return self._remember(params["x"])

    def _remember(self, x: float) -> float:
        cache = self.cache
        cache[x] = self.rate * x * len(self.points)
        return cache[x]


SCALE = [1.0, 2.0]
TABLE = {"n": 1, "rows": [1]}


def shadows(params: dict[str, Any]) -> float:
    SCALE = []
    SCALE.append(params["x"])
    count = TABLE["n"]
    count += 1
    return float(len(SCALE) + count)


def reads_scale(params: dict[str, Any]) -> float:
    return shadows(params) * SCALE[0]


def test_a_local_name_hides_a_global_and_a_number_is_not_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_content(reads_scale)
    assert before.left_out == ()
    monkeypatch.setitem(TABLE, "n", 2)
    changed = read_content(reads_scale)
    monkeypatch.setattr(sys.modules[__name__], "SCALE", [3.0, 2.0])
    assert len({before.digest, changed.digest, read_content(reads_scale).digest}) == 3


def test_what_is_defined_later_is_named() -> None:
    def early(params: dict[str, Any]) -> float:
        return float(later(params))  # type: ignore[name-defined]  # noqa: F821

    assert read_content(early).unread == ("later (not defined yet)",)


class Lazy:
    """Works something out when it is asked for."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    @functools.cached_property
    def table(self) -> list[float]:
        return [self.rate] * 3

    def __call__(self, params: dict[str, float]) -> float:
        return sum(self.table) * params["x"]


def test_what_is_worked_out_on_demand_does_not_count() -> None:
    lazy = Lazy(1.0)
    before = read_content(lazy).digest
    assert len(lazy.table) == 3
    assert read_content(lazy).digest == before != read_content(Lazy(2.0)).digest


def test_an_object_counts_but_for_its_caches() -> None:
    objective = Objective(1.0)
    before = read_content(objective)
    objective({"x": 2.0})
    after = read_content(objective)
    assert (after.digest, after.left_out) == (before.digest, ("Objective.cache", "Objective.calls"))
    objective.set_rate(2.0)  # nothing that runs in a trial calls it, so what it sets is a setting
    assert read_content(objective).digest != before.digest
    objective = Objective(1.0)
    objective.points.append(3)
    assert read_content(objective).digest != before.digest


def test_a_dataclass_counts_by_its_fields() -> None:
    @dataclass
    class Made:
        rate: float = 1.0
        tags: set[str] = field(default_factory=set)

        def __call__(self, params: dict[str, float]) -> float:
            return self.rate

    assert same(Made(), Made())
    assert not same(Made(), Made(2.0))
    assert not same(Made(), Made(tags={"a"}))
    assert not same(Made, dataclass(type("Made", (Made,), {"rate": 3.0})))


def pinned(params: dict[str, Any]) -> float:
    """Return a value for the table of digests."""
    if params["k"] in {"adam", "sgd"}:
        return float(sum(x for x in ROWS if x) * params["x"] ** 2)
    return max((params["x"], 0.5), key=lambda v: -v)


# Recorded studies hold these digests: another value here makes every study of the users' own another one.
PINNED = {
    "function": pinned,
    "object": Objective(0.5),
    "containers": {"a": [1, 2.5, None, True, "b"], "b": ({"x", "y"}, frozenset({1, 2}), b"bytes"), "c": list(range(20))},
    "array": np.arange(6, dtype="<f8").reshape(2, 3),
    "objects": np.array([1, "a", None], dtype=object),
    "frame": pd.DataFrame({"a": [1.0, 2.0], "c": pd.Categorical(["p", "q"]), "d": [1, 2]}),
    "library": [len, np.exp, functools.partial(max, 3)],
    "data": data.digits(),
}

DIGESTS = {
    "function": "a6bd91346547a000",
    "object": "4890d341e26b04b8",
    "containers": "87d2407142029119",
    "array": "8bb4fd363b12c433",
    "objects": "a1d3d1f29156647b",
    "frame": "8eb097d895eb4502",
    "library": "f904f44b5bcb86b9",
    "data": "af63b550ba81a062",
}


@pytest.mark.parametrize("name", PINNED)
def test_digests_stay_what_they_are_from_release_to_release(name: str) -> None:
    assert read_content(PINNED[name]).digest[:16] == DIGESTS[name]


def test_what_cannot_be_read_is_named() -> None:
    lock = threading.Lock()

    def locked(params: dict[str, float]) -> float:
        with lock:
            return params["x"]

    assert read_content(locked).unread == ("lock",)
    assert read_content(reads_a_global).unread == ()


@pytest.mark.parametrize("launch", [("-c", TYPED), ("-",)], ids=["a command", "standard input"])
def test_code_without_a_file_is_told_by_what_it_does(launch: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, *launch], input=TYPED, capture_output=True, text=True, check=True)
    first, same_again, other, read = done.stdout.splitlines()
    assert first == same_again
    assert len({first, other, read}) == 3


def asserts(params: dict[str, Any]) -> float:
    assert params["x"] > 0, "positive"
    return float(params["x"])


def test_assertions_that_pytest_rewrites_count_by_their_source() -> None:
    """A study that is run in a test is the same one outside of it."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\nfrom tests.content.test_digest import *\n"
    alone = subprocess.run(
        [sys.executable, "-c", f"{code}print(read_content(asserts))"], capture_output=True, text=True, check=True
    )
    assert "@pytest_ar" in asserts.__code__.co_names
    assert alone.stdout.strip() == str(read_content(asserts))


def test_a_tensor_counts_by_its_values() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    one, other = (torch.nn.Linear(3, 2, dtype=torch.bfloat16) for _ in range(2))
    other.load_state_dict(one.state_dict())
    assert same(one, other)
    with torch.no_grad():
        other.weight[1, 1] += 1
    assert not same(one, other)


class Node:
    """A node that knows its neighbours."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.near: list[Node] = []


def linked(count: int, seed: int) -> Node:
    """Return the first of many nodes that refer to each other."""
    rng, nodes = random.Random(seed), [Node(number) for number in range(count)]
    for number, node in enumerate(nodes):
        node.near = [nodes[(number + 1) % count], *rng.sample(nodes, 3)]
    return nodes[0]


class Moody:
    """Does not say what it holds."""

    def __getstate__(self) -> Any:
        raise RuntimeError("not today")


def test_an_object_whose_own_code_fails_is_named_and_stops_nothing() -> None:
    moody = Moody()

    def uses(params: dict[str, Any]) -> float:
        return params["x"] if moody else 0.0

    assert read_content(uses).unread == ("Moody",)


def test_a_long_function_and_a_module_with_attributes_made_on_demand_are_read(tmp_path: Path) -> None:
    """Past 255 names instructions take more than one byte; and asking a module for an attribute may run its code."""
    (tmp_path / "demand.py").write_text("def __getattr__(name):\n    raise RuntimeError(name)\n")
    lines = [f"    v{n} = params['k{n}']" for n in range(300)]
    source = "\n".join(["import demand", "def long(params):", *lines, "    import demand.more", "    return demand.gone"])
    (tmp_path / "long.py").write_text(source)
    code = "import long; from hpsearch.content import read_content; print(read_content(long.long).unread)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "()\n"


def test_packages_that_were_installed_beside_the_usual_folders_count_by_name(tmp_path: Path) -> None:
    (tmp_path / "lib" / "thing").mkdir(parents=True)
    (tmp_path / "lib" / "thing" / "__init__.py").write_text("def one():\n    return 1\n")
    code = (
        "import sys; sys.path.insert(0, 'lib'); import thing; from hpsearch.content import read_content\n"
        "def f(params): return thing.one()\n"
        "print(read_content(f).digest)"
    )

    def digest() -> str:
        return subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    own = digest()
    (tmp_path / "lib" / "thing-1.0.dist-info").mkdir()
    assert digest() != own


def test_each_object_is_read_once_however_they_refer_to_each_other() -> None:
    """A thousand of them nest deeper than Python's own calls may."""
    first = linked(1000, seed=1)
    reads: list[int] = []

    class Counted(int):
        def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
            reads.append(int(self))
            return int, (int(self),)

    node = first
    while True:
        node.number = Counted(node.number)
        node = node.near[0]
        if node is first:
            break
    before = read_content(first).digest
    assert sorted(reads) == list(range(1000))
    assert same(linked(1000, seed=1), linked(1000, seed=1))
    assert not same(linked(1000, seed=1), linked(1000, seed=2))
    first.near[0].near[0].number = -1
    assert read_content(first).digest != before


SEEDED = """
import sys
from hpsearch import Choice, Float, Space, Study
from hpsearch.content import read_content
from hpsearch.strategies import Random

class Wide:
    pass

GROUPS = {"sets": {"age", "sex", "income"}, "frozen": frozenset(("a", "b", "c"))}
def objective(params):
    return params["x"] + (params["k"] in {"adam", "sgd", "lion"}) + len(GROUPS)
study = Study("s", Space(
    x=Float(0, 1),
    k=Choice("adam", "rmsprop"),
    columns=Choice({"age", "sex", "income"}, {"age"}, frozenset({"p", "q", "r"})),
    f=Choice(lambda v: v, lambda v: v + 1),
    o=Choice(Wide(), dict(a={"s", "t", "u"})),
), objective, Random(trials=2))
print(study.identity, [d.labels for d in study.space.domains.values() if isinstance(d, Choice)])
exec("def made(p):\\n    return p['x'] in {'a', 'b', 'c'}")
print(read_content(made), read_content(lambda p: p in {"one", "two", "three"}))
"""


def test_no_hash_order_and_no_address_gets_into_an_identity(tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text(SEEDED)
    said = {
        subprocess.run(
            [sys.executable, "study.py"], cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in (0, 1, 2, 3, 4)
    }  # fmt: skip
    assert len(said) == 1
    assert "0x" not in said.pop()
