"""The comparison of two checkouts: this one with itself, and with a copy in which one strategy proposes other trials."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import hpsearch
from tests.reference import compare, dump

CHECKOUT = Path(hpsearch.__file__).parent.parent
# Known value: the grid of `grid_ends` begins at the lower end of its first range; a random point does not.
_FIRST = "grid_ends: trial 0: params rate: recorded 0.001, found "


def test_a_checkout_equals_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(CHECKOUT, CHECKOUT, ["halving_rows"]) == 0
    assert capsys.readouterr().out == "halving_rows: equal\n"


def test_a_changed_strategy_is_found_and_the_other_study_is_equal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("hpsearch", "tests/reference"):
        shutil.copytree(CHECKOUT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "hpsearch" / "strategies" / "__init__.py").open("a") as file:
        file.write("\nGrid.search = Random(trials=48).search\n")
    assert compare.main(CHECKOUT, tmp_path, ["grid_ends", "halving_rows"]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(_FIRST)
    assert second == "halving_rows: equal"


def test_a_store_is_compared_by_runs_tags_params_and_metrics() -> None:
    rows = dump.stores_of(["halving_rows"])["halving_rows"]
    # Known values: 9, 3 and 1 trials and the study's own run; the budget of rows is a param.
    assert [row[1] for row in rows if row[0] == "run"] == ["best 0.2907 | halving-rows", *(f"trial {n:03d}" for n in range(13))]
    assert ["param", "trial 012", "rows", "90"] in rows
    assert ["tag", "trial 012", "hpsearch.stage", "rung-2"] in rows
    assert [row for row in rows if row[2] == "result/seconds"] == []


def test_a_row_that_changed_in_a_store_is_named() -> None:
    before, after = ([["tag", "trial 000", "hpsearch.stage", stage]] for stage in ("all", "coarse"))
    gone, new = compare.changed_rows(before, after)
    assert gone == "in the store tag | trial 000 | hpsearch.stage | all is gone"
    assert new == "in the store tag | trial 000 | hpsearch.stage | coarse is new"
    assert compare.changed_rows(before, before) == []
