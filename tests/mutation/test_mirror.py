"""The command finds tests for every module, and leaves alone what no test has to notice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutation.mirror import WRITTEN_FOR, mirror_of
from tests.mutation.sites import draw, mutations, pointless

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent


def test_modules_and_mirror_of_the_table_exist() -> None:
    assert [name for name in WRITTEN_FOR if not (ROOT / f"hpsearch/{name}.py").exists()] == []
    missing = {test for tests in WRITTEN_FOR.values() for test in tests if not (TESTS / test).exists()}
    assert missing == set()


def test_the_tests_of_the_same_name_come_first() -> None:
    assert mirror_of("space/narrowing", TESTS) == ["tests/space/test_narrowing.py"]
    assert mirror_of("trial/selection", TESTS) == ["tests/trial/test_selection.py", "tests/search/test_batches.py"]
    assert mirror_of("analysis/lead", TESTS) == ["tests/analysis/test_lead.py", "tests/analysis/test_examples.py"]


def test_a_module_without_tests_of_its_own_has_those_of_its_package() -> None:
    found = mirror_of("tracking/pages/a_page_without_tests", TESTS)
    assert found == [f"tests/tracking/pages/{file.name}" for file in sorted((TESTS / "tracking/pages").glob("test_*.py"))]
    assert len(found) > 1


def test_annotations_messages_and_declarations_are_left_alone() -> None:
    source = """
@dataclass(frozen=True)
class A:
    x: int | None = 3

    def f(self, y: int | None = 1) -> int | str:
        if self.x < y:
            raise ValueError(f"x must be >= {y - 1}")
        return dict(zip(a, b, strict=True))

    def __repr__(self):
        return str(self.x + 1)
"""
    lines = {low[0] for low, _ in pointless(source)}
    assert lines == {2, 4, 6, 8, 9, 12}


def test_a_shorter_sample_begins_a_longer_one() -> None:
    pytest.importorskip("cosmic_ray")
    longer = draw(ROOT, ["trial", "space"], 8, seed=3)
    assert draw(ROOT, ["trial", "space"], 5, seed=3) == longer[:5] != draw(ROOT, ["trial", "space"], 5, seed=4)
    assert [m.file.split("/")[1] for m in longer] == ["trial", "space"] * 4


def test_a_mutation_changes_its_line_alone() -> None:
    pytest.importorskip("cosmic_ray")
    source = "def f(a: int) -> int:\n    return a + 1\n"
    changed = {m.apply(source).splitlines()[1].replace(" ", "") for m in mutations("f.py", source)}
    assert changed == {"returna-1", "returna+0", "returna+2"}
