"""Trial tables of the reference studies: run, written, read and compared.

Floats are kept by ``repr``. A curve is kept as its number of points, the start of the SHA-256 of the repr of its points, and
its last point: the bits of all, and a number to look at.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hpsearch import Outcome, Study, Trial
from hpsearch.tracking import MemoryTracker
from tests.reference.facts import facts
from tests.reference.studies import STUDIES, Reference

FOLDER = Path(__file__).parent / "tables"
# How far a value may lie from the recorded one where bits may differ, and a param that was drawn: rounding alone moves it.
VALUE, PARAM = 1e-5, 1e-6
# What is promised of every study on every machine, and what more where the same params are proposed.
_OUTLINE = ("number", "stage", "budget", "replicate")
_SEQUENCE = ("params", "continues")
# What an identity may depend on: the checksum of drawn data, and the repr of an estimator.
_IDENTITY = {"numpy", "scikit-learn"}
Row = Mapping[str, Any]
Table = dict[str, Any]


def table_of(name: str) -> Table:
    """Run a study in this process, and return its table with the facts it belongs to."""
    reference = STUDIES[name]
    study = reference.make()
    return {
        "study": name,
        "facts": {fact: facts()[fact] for fact in reference.facts},
        "identity": dict(identity_of(study)),
        **trials_of(study),
    }


def identity_of(study: Study) -> Mapping[str, str]:
    """Return the identity by the rule of version 1, by which the tables were written; checkouts of then know no other."""
    return study.identity_v1 if hasattr(study, "identity_v1") else study.record().identity


def trials_of(study: Study) -> Table:
    """Run a study, and return its trials and the number of the one it chooses."""
    result = study.run(jobs=1, backend="sequential", tracker=MemoryTracker(), report=False, model=False)
    return {"best": result.best.number, "trials": [row_of(trial) for trial in result.trials]}


def row_of(trial: Trial) -> dict[str, Any]:
    """Return everything of a trial that law 2 promises, as text and whole numbers."""
    outcome = trial.outcome or Outcome(math.nan)
    return {
        "number": trial.number,
        "params": {name: repr(value) for name, value in trial.params.items()},
        "stage": trial.stage,
        "status": trial.status.value,
        "budget": trial.budget,
        "continues": trial.continues,
        "replicate": trial.replicate,
        "value": repr(float(trial.value)),
        "metrics": {name: repr(float(value)) for name, value in sorted(outcome.metrics.items())},
        "history": {name: _curve(points) for name, points in sorted(outcome.history.items())},
    }


def _curve(points: Sequence[tuple[int, float]]) -> list[Any]:
    plain = tuple((int(step), float(value)) for step, value in points)
    digest = hashlib.sha256(repr(plain).encode()).hexdigest()[:16]
    return [len(plain), digest, *([plain[-1][0], repr(plain[-1][1])] if plain else [])]


def path_of(name: str) -> Path:
    """Return the file of a study's table."""
    return FOLDER / f"{name}.json"


def read(name: str) -> Table:
    """Return the recorded table of a study."""
    table: Table = json.loads(path_of(name).read_text(encoding="utf-8"))
    return table


def write(table: Table) -> Path:
    """Write a table, one trial a line, and return its file."""
    head = json.dumps({key: value for key, value in table.items() if key != "trials"}, indent=1)
    rows = ",\n".join(f"  {json.dumps(row)}" for row in table["trials"])
    path = path_of(table["study"])
    path.write_text(f'{head[:-2]},\n "trials": [\n{rows}\n ]\n}}\n', encoding="utf-8")
    return path


def differences(recorded: Table, found: Table, reference: Reference) -> list[str]:
    """Return one sentence a difference that breaks a promise: bits for the same facts, else what other facts leave."""
    name, other = recorded["study"], set(_unequal(recorded["facts"], found["facts"]))
    before, after = recorded["trials"], found["trials"]
    if len(before) != len(after):
        return [f"{name}: {_phrase('number of trials', len(before), len(after))}"]
    if not other:
        return [f"{name}: {text}" for text in exact(recorded, found)]
    known = reference.sequence is not None and not other & set(reference.sequence)
    texts = [] if other & _IDENTITY else _fields(recorded, found, ("identity",))
    texts += [text for a, b in zip(before, after, strict=True) for text in _prefixed(a, _loose(a, b, known))]
    return [f"{name} (other {', '.join(sorted(other))}): {text}" for text in texts]


def exact(recorded: Table, found: Table) -> list[str]:
    """Return every field that is not the same: the identity's, trial by trial, and which trial is the best."""
    before, after = recorded["trials"], found["trials"]
    phrases = _fields(recorded, found, ("identity",))
    if len(before) != len(after):
        return [*phrases, _phrase("number of trials", len(before), len(after))]
    fields = tuple(before[0]) if before else ()
    phrases += [text for a, b in zip(before, after, strict=True) for text in _prefixed(a, _fields(a, b, fields))]
    return phrases + _fields(recorded, found, ("best",))


def _loose(recorded: Row, found: Row, known: bool) -> Iterator[str]:
    """Yield what other facts do not excuse; ``known`` says whether they leave the proposed params as they are."""
    yield from _fields(recorded, found, _OUTLINE)
    moved = [text for field in _SEQUENCE for text in _fields(recorded, found, (field,)) if not _rounded(recorded, found, field)]
    if moved:
        yield from moved if known else ()
        return
    yield from _fields(recorded, found, ("status",))
    checks = recorded["stage"].startswith("pre-flight")  # they try rates at which a training magnifies rounding
    if not checks and not _close(float(recorded["value"]), float(found["value"]), VALUE):
        yield _phrase("value", recorded["value"], found["value"])


def _rounded(recorded: Row, found: Row, field: str) -> bool:
    """Return whether params differ by rounding alone."""
    if field != "params" or list(recorded[field]) != list(found[field]):
        return False
    return all(_same_param(recorded[field][name], found[field][name]) for name in recorded[field])


def _same_param(recorded: str, found: str) -> bool:
    if recorded == found:
        return True
    try:
        values = [ast.literal_eval(text) for text in (recorded, found)]
    except ValueError:  # not the repr of a plain value
        return False
    return all(isinstance(value, float) for value in values) and _close(values[0], values[1], PARAM)


def _close(recorded: float, found: float, relative: float) -> bool:
    both_nan = math.isnan(recorded) and math.isnan(found)
    return both_nan or math.isclose(recorded, found, rel_tol=relative, abs_tol=1e-12)


def _fields(recorded: Row, found: Row, fields: Sequence[str]) -> list[str]:
    """Return a phrase a field that differs; of a field with names in it, one a name."""
    phrases = []
    for field in fields:
        before, after = recorded[field], found.get(field)
        if isinstance(before, dict) and isinstance(after, dict):
            phrases += [_phrase(f"{field} {name}", before.get(name), after.get(name)) for name in _unequal(before, after)]
            if list(before) != list(after) and not _unequal(before, after):
                phrases.append(_phrase(f"order of {field}", list(before), list(after)))
        elif before != after:
            phrases.append(_phrase(field, before, after))
    return phrases


def _unequal(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [name for name in dict.fromkeys([*before, *after]) if before.get(name) != after.get(name)]


def _phrase(what: str, before: object, after: object) -> str:
    return f"{what}: recorded {before}, found {after}"


def _prefixed(row: Row, phrases: Sequence[str] | Iterator[str]) -> list[str]:
    return [f"trial {row['number']}: {phrase}" for phrase in phrases]
