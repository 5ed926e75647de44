"""The table of all systems and figures of the source documents: a row for each, and commands, tests and pages that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from hpsearch.cli.application import typer_app
from hpsearch.plots.kinds import KINDS
from hpsearch.reproductions.catalogue import REPRODUCTIONS

ROOT = Path(__file__).parents[2]
STUDIES = ROOT / "studies"
IDS = [
    *(f"N{i}" for i in range(1, 26)),
    *(f"S{i}" for i in range(1, 15)),
    *(f"J{i}" for i in range(1, 12)),
    *(f"M{i}" for i in range(1, 9)),
    *(f"F{i}" for i in range(1, 16)),
]
VERDICTS = ("as published", "within the interval", "differs", "not published", "not judged", "less than published")


def rows() -> dict[str, list[str]]:
    """Return the cells of each row by its id."""
    text = (STUDIES / "README.md").read_text().partition("## Every system and figure of the source documents")[2]
    cells = [re.split(r" \| ", line.strip("| ")) for line in text.splitlines() if re.match(r"\| [NMSJF]\d+ \|", line)]
    found = {row[0]: row for row in cells}
    assert len(found) == len(cells), "an id has two rows"
    return found


def test_every_id_has_a_row_with_six_cells() -> None:
    found = rows()
    assert list(found) != []
    assert set(found) == set(IDS)
    assert {one: len(row) for one, row in found.items() if len(row) != 6 or not all(row)} == {}


@pytest.mark.parametrize("one", IDS)
def test_what_a_row_names_exists(one: str) -> None:
    command = rows()[one][2]
    named = re.findall(r"`([^`]+)`", command)
    assert named or re.search(r"\]\(", command), "a command, a test or a page"
    for text in named:
        if text.startswith("tests/"):
            check_test(text)
        elif text.startswith("hpsearch "):
            check_command(text.removeprefix("hpsearch "))
    for link in re.findall(r"\]\(([^)]+)\)", " ".join(rows()[one])):
        assert (STUDIES / link).exists(), link


@pytest.mark.parametrize("one", IDS)
def test_a_verdict_is_one_of_few(one: str) -> None:
    _, _, _, _, ours, verdict = rows()[one]
    assert any(known in verdict for known in VERDICTS), verdict
    assert "see there" not in (ours, verdict)


def check_test(text: str) -> None:
    file, _, name = text.partition("::")
    tree = ast.parse((ROOT / file).read_text())
    assert not name or name in [node.name for node in tree.body if isinstance(node, ast.FunctionDef)], text


def check_command(text: str) -> None:
    verb, *arguments = text.split()
    assert verb in {command.name or command.callback.__name__ for command in typer_app.registered_commands if command.callback}
    if verb == "reproduce":
        assert arguments[0] in {one.name for one in REPRODUCTIONS}, text
    elif verb == "plot":
        assert arguments[1] in KINDS, text
    elif arguments != ["NAME"]:
        assert (ROOT / arguments[0]).is_file(), text
