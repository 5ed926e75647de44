"""The README stays true: its Python blocks run, its table names every strategy, its commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hpsearch import strategies
from hpsearch.cli.application import typer_app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_python_blocks_run(number: int, tmp_path: Path, put_store: Callable[[Path], Path]) -> None:
    """Each block runs as a file of its own, as a reader would paste it."""
    put_store(tmp_path)
    (tmp_path / "block.py").write_text(BLOCKS[number])
    command = [sys.executable, "block.py", *(["--smoke"] if "main(study)" in BLOCKS[number] else [])]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr


def test_every_strategy_is_in_the_table() -> None:
    assert [name for name in strategies.__all__ if f"| `{name}" not in README] == []


def test_every_command_is_named() -> None:
    names = [c.name or c.callback.__name__ for c in typer_app.registered_commands if c.callback]
    assert [name for name in names if f"hpsearch {name}" not in README] == []


def test_pictures_and_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert [target for target in targets if not (ROOT / target).exists()] == []
