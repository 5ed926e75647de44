"""Random studies as source code, each with a rewritten twin that means the same and a twin with one change that counts.

``python -m tests.content.cases COUNT FOLDER`` prints their identities as JSON, one list of three per case.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from types import ModuleType

from hpsearch import Study

HEAD = """
import dataclasses, functools
import numpy as np
import pandas as pd
from hpsearch import Choice, Float, Int, Space, Study
from hpsearch.strategies import Random

@dataclasses.dataclass(frozen=True)
class Warm:
    steps: object = 1

@dataclasses.dataclass(frozen=True)
class Outer:
    inner: object = None

class Option:
    def __init__(self, value):
        self.value = value

LOG = []
"""
# A statement with a value, and the expression by which the objective reads it.
READ = (
    ("GROUP{n} = {{{value}, 'b', 'c', 'd'}}", "len(GROUP{n})"),
    ("FRAME{n} = pd.DataFrame({{'a': np.arange(90.0), 'b': [1] * 40 + [{value}] + [2] * 49}})", "FRAME{n}['a'].sum()"),
    ("ROWS{n} = np.concatenate([np.zeros(3000), [{value}], np.zeros(3000)])", "ROWS{n}.sum()"),
    ("class Config{n}:\n    rate = {value}\n    names = {{'u', 'v', 'w'}}", "Config{n}.rate"),
    ("def helper{n}(v):\n    return v + {value}", "helper{n}(params['x'])"),
    ("NESTED{n} = {{'k': [{value}, (1, 2, {{'s', 't'}})]}}", "NESTED{n}['k'][0]"),
    ("def make{n}(top):\n    def low(v):\n        return min(v, top)\n    return low\ncut{n} = make{n}({value})", "cut{n}(1)"),
    ("part{n} = functools.partial(max, {value})", "part{n}(0)"),
    ("scale{n} = lambda v: v * {value}", "scale{n}(2)"),
    ("held{n} = Option([{value}])", "held{n}.value[0]"),
    ("series{n} = pd.Series(['p', 'q'] * 30 + [str({value})])", "len(series{n})"),
    ("", "(params['x'] in {{'adam', 'sgd', str({value})}})"),
    ("", "sum(v for v in [1, {value}])"),
)  # fmt: skip
OPTIONS = (
    "Choice({{'p', 'q', str({value})}}, 'plain')",
    "Choice(lambda v: v + {value}, lambda v: v)",
    "Choice(Warm(steps=Int(1, {value})), Outer())",
    "Choice(Outer(inner=Choice(Warm(steps=Float(0, {value})), 'none')), 'flat')",
    "Choice(np.int64({value}), np.float64(0.5), None)",
    "Choice(Option({value}), Option(-1))",
    "Choice(np.array([{value}, 1]), 'empty')",
    "Choice(functools.partial(max, {value}), min)",
    "Choice(dict(a=[{value}], b={{'s', 't', 'u'}}), None)",
    "Int(0, {value})",
    "Float(0, {value}, when={{'kind': 'adam'}})",
    "Choice(('a', {value}), ('b', 0))",
)
OBJECTIVES = (
    "def objective(params):\n    LOG.append(params)\n    return {body}",
    "objective = lambda params: {body}",
    "class Objective:\n    def __init__(self):\n        self.calls = 0\n"
    "    def __call__(self, params):\n        self.calls += 1\n        return {body}\nobjective = Objective()",
    "def outer():\n    limit = 3\n    def inner(params, context):\n        return limit + {body}\n    return inner\n"
    "objective = outer()",
    "def general(params, context, scale):\n    return scale * ({body})\nobjective = functools.partial(general, scale=2)",
)


def sources(case: int) -> tuple[str, str, str]:
    """Return the source of a study, the same with comments and another layout, and the same with one value changed."""
    rng = random.Random(case)
    read, options = rng.choices(READ, k=rng.randint(1, 4)), rng.choices(OPTIONS, k=rng.randint(1, 3))
    shape = rng.choice(OBJECTIVES)
    values = [rng.randint(2, 9) for _ in (*read, *options)]
    other = list(values)
    other[rng.randrange(len(values))] += 10
    return (
        _source(read, options, shape, values),
        _rewrite(_source(read, options, shape, values)),
        _source(read, options, shape, other),
    )


def _source(read: list[tuple[str, str]], options: list[str], shape: str, values: list[int]) -> str:
    statements = [s.format(n=n, value=v) for n, ((s, _), v) in enumerate(zip(read, values, strict=False))]
    body = " + ".join(e.format(n=n, value=v) for n, ((_, e), v) in enumerate(zip(read, values, strict=False)))
    domains = [f"o{n}={o.format(value=v)}" for n, (o, v) in enumerate(zip(options, values[len(read) :], strict=True))]
    space = ", ".join(["x=Float(0, 1)", "kind=Choice('adam', 'sgd')", *domains])
    study = f"study = Study('s', Space({space}), objective, Random(trials=2), question='?')"
    return "\n".join([HEAD, *statements, shape.format(body=body), study]) + "\n"


def _rewrite(source: str) -> str:
    """Return a source with a comment in every line that may have one, and a docstring in every function."""
    lines = []
    for line in source.splitlines():
        lines.append(f"{line}  # a comment" if line.strip() else "\n")
        if line.strip().startswith("def ") and line.endswith(":"):
            lines.append(f"{line[: len(line) - len(line.lstrip())]}    'What it is for.'")
    return "# First line.\n" + "\n".join(lines) + "\n"


def identity(source: str, file: Path | None) -> dict[str, str]:
    """Return the identity of the study that a source defines, run from a file or, with None, by `exec` alone."""
    module = ModuleType("made_up" if file is None else f"made_up_{file.stem}")
    if file is not None:
        file.write_text(source)
        module.__file__ = str(file)
    sys.modules[module.__name__] = module
    exec(compile(source, str(file or "<made up>"), "exec"), vars(module))
    study = vars(module)["study"]
    assert isinstance(study, Study)
    return study.identity


def main(count: int, folder: Path) -> None:
    """Print the identities of so many cases."""
    found = []
    for case in range(count):
        from_file = case % 3 != 0
        names = ("plain", "rewritten", "changed") if from_file else ("plain", "plain", "changed")
        texts = dict(zip(("plain", "rewritten", "changed"), sources(case), strict=True))
        found.append(
            [identity(texts[name], folder / f"{case}_{place}.py" if from_file else None) for place, name in enumerate(names)]
        )
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
