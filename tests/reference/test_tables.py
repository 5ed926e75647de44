"""Reference trial tables: the studies of `tests.reference.studies` give the trials that are recorded in ``tables/``.

The tables were written by the code before the package was reorganised. Where the facts are those of the table, bits are equal;
elsewhere what `tests.reference.trial_tables` promises.
"""

from __future__ import annotations

import copy
from importlib.util import find_spec
from typing import Any

import pytest

from tests.reference.studies import STUDIES, Reference
from tests.reference.trial_tables import FOLDER, Table, differences, read, table_of


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_gives_its_recorded_trials(name: str) -> None:
    missing = [package for package in STUDIES[name].needs if find_spec(package) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    assert differences(read(name), table_of(name), STUDIES[name]) == []


def test_every_study_has_a_table_and_all_are_small() -> None:
    files = list(FOLDER.iterdir())
    assert sorted(file.stem for file in files) == sorted(STUDIES)
    assert sum(file.stat().st_size for file in files) < 300_000


# A table of two trials by hand, for what is said of changed ones.
_TRIALS = [
    {
        "number": number, "params": {"rate": "0.25", "kind": "'a'"}, "stage": "all", "status": "finished", "budget": None,
        "continues": None, "replicate": 0, "value": "0.5", "metrics": {"half": "0.25"},
        "history": {"cost": [2, "0f", 2, "0.5"]},
    }
    for number in range(2)
]  # fmt: skip
_TABLE: Table = {"study": "s", "facts": {"numpy": "1", "blas": "A"}, "identity": {"seed": "0"}, "best": 0, "trials": _TRIALS}


def _changed(field: str, value: Any, **facts: str) -> Table:
    table = copy.deepcopy(_TABLE)
    table["facts"] |= facts
    table["trials"][1][field] = value
    return table


def _said(found: Table, sequence: tuple[str, ...] | None = ()) -> list[str]:
    return differences(_TABLE, found, Reference(lambda: pytest.fail("not run"), ("numpy", "blas"), sequence))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("params", {"rate": "0.25000000000000006", "kind": "'a'"}, "params rate: recorded 0.25, found 0.25000000000000006"),
        ("params", {"kind": "'a'", "rate": "0.25"}, "order of params: recorded ['rate', 'kind'], found ['kind', 'rate']"),
        ("stage", "coarse", "stage: recorded all, found coarse"),
        ("status", "failed", "status: recorded finished, found failed"),
        ("budget", 3, "budget: recorded None, found 3"),
        ("continues", 0, "continues: recorded None, found 0"),
        ("replicate", 1, "replicate: recorded 0, found 1"),
        ("value", "0.5000000000000001", "value: recorded 0.5, found 0.5000000000000001"),
        ("metrics", {}, "metrics half: recorded 0.25, found None"),
        ("history", {"cost": [2, "10", 2, "0.5"]}, "history cost: recorded [2, '0f', 2, '0.5'], found [2, '10', 2, '0.5']"),
    ],
)
def test_for_the_same_facts_one_bit_is_a_difference_that_names_study_trial_and_field(field: str, value: Any, said: str) -> None:
    assert _said(_changed(field, value)) == [f"s: trial 1: {said}"]


def test_the_chosen_trial_and_the_identity_are_compared() -> None:
    found = copy.deepcopy(_TABLE) | {"best": 1, "identity": {"seed": "1"}}
    assert _said(found) == ["s: identity seed: recorded 0, found 1", "s: best: recorded 0, found 1"]


def test_a_trial_too_many_is_a_difference_for_any_facts() -> None:
    found = copy.deepcopy(_TABLE)
    found["trials"].append(found["trials"][0] | {"number": 2})
    assert _said(found) == ["s: number of trials: recorded 2, found 3"]
    assert _said(found | {"facts": {"numpy": "2", "blas": "A"}}) == ["s: number of trials: recorded 2, found 3"]


_OTHER_RATE = {"rate": "0.26", "kind": "'a'"}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("params", {"rate": "0.25000000000000006", "kind": "'a'"}, None),
        ("params", _OTHER_RATE, "params rate: recorded 0.25, found 0.26"),
        ("params", {"rate": "np.float64(0.25)", "kind": "'a'"}, "params rate: recorded 0.25, found np.float64(0.25)"),
        ("params", {"rate": "0.25", "kind": "'b'"}, "params kind: recorded 'a', found 'b'"),
        ("stage", "coarse", "stage: recorded all, found coarse"),
        ("status", "failed", "status: recorded finished, found failed"),
        ("value", "0.500004", None),
        ("value", "0.500006", "value: recorded 0.5, found 0.500006"),
        ("value", "nan", "value: recorded 0.5, found nan"),
        ("metrics", {}, None),
        ("history", {}, None),
    ],
)
def test_other_facts_excuse_rounding_alone(field: str, value: Any, said: str | None) -> None:
    assert _said(_changed(field, value, blas="B")) == ([] if said is None else [f"s (other blas): trial 1: {said}"])


def test_where_params_may_differ_values_are_compared_where_they_do_not() -> None:
    moved = _changed("params", _OTHER_RATE, blas="B")
    moved["trials"][1]["value"] = "9.0"
    assert _said(moved, None) == _said(moved, ("blas",)) == []
    assert _said(_changed("value", "9.0", blas="B"), None) == ["s (other blas): trial 1: value: recorded 0.5, found 9.0"]
    assert _said(_changed("budget", 2, blas="B"), None) == ["s (other blas): trial 1: budget: recorded None, found 2"]


def test_values_of_checks_before_a_search_are_compared_for_the_same_facts_alone() -> None:
    recorded, found = (copy.deepcopy(_TABLE) for _ in range(2))
    for table in (recorded, found):
        table["trials"][0]["stage"] = "pre-flight: overfit"
    found["trials"][0]["value"] = "9.0"
    reference = Reference(lambda: pytest.fail("not run"), ("numpy", "blas"), None)
    assert differences(recorded, found, reference) == ["s: trial 0: value: recorded 0.5, found 9.0"]
    assert differences(recorded, found | {"facts": {"numpy": "1", "blas": "B"}}, reference) == []
