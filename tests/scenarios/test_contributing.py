"""The examples of CONTRIBUTING.md are complete: strategy, objective, layer, tracker, executor, data set, and their tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# Every block is a file whose name is in its first line.
FILES = {name: block for block, name in re.findall(r"```python\n(# (\S+\.py)\n.*?)```", TEXT, re.DOTALL)}
TESTS = [name for name in FILES if name.startswith("test_")]


def test_every_block_is_a_file_and_every_kind_has_one() -> None:
    assert len(FILES) == TEXT.count("```python")
    assert len(TESTS) == 6


@pytest.mark.parametrize("name", TESTS)
def test_examples_pass_their_contracts(name: str, tmp_path: Path) -> None:
    """In a folder of their own, by pytest, as a reader would run them."""
    for file, block in FILES.items():
        (tmp_path / file).write_text(block, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # the examples need none, and each takes time to load
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), name]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(r"\d+ passed", ended.stdout)


def test_arrows_of_the_diagram_point_down() -> None:
    """The layers are those that import-linter checks."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    level = {name: depth for depth, layer in enumerate(contracts[0]["layers"]) for name in layer.split(" | ")}
    arrows = re.findall(r"^    (\w+)(?:\[.*?\])? --> (\w+)", TEXT, re.MULTILINE)
    assert {name for arrow in arrows for name in arrow} == set(level)
    assert [(upper, lower) for upper, lower in arrows if level[upper] >= level[lower]] == []


def test_names_of_files_lead_somewhere() -> None:
    named = re.findall(r"`((?:hpsearch|tests|\.ci)/[\w/.-]+)`", TEXT)
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists() and "VERSION" not in path] == []
