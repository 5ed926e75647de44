"""The guides stay true: their Python blocks are complete, and the one that needs this machine alone runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from hpsearch.cli.application import typer_app

GUIDES = sorted((Path(__file__).parents[2] / "docs").glob("*.md"))
CLUSTER = next(guide for guide in GUIDES if guide.name == "cluster.md").read_text()


def blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_python_blocks_are_python(guide: Path) -> None:
    for block in blocks(guide.read_text()):
        compile(block, guide.name, "exec")


def test_options_exist() -> None:
    commands = typer.main.get_command(typer_app).commands.values()  # type: ignore[attr-defined]
    known = {name for command in commands for param in command.params for name in param.opts}
    used = set(re.findall(r"`(--[a-z-]+)[ `]", CLUSTER))
    assert used
    assert used <= known


@pytest.mark.campaign
def test_the_cluster_on_this_machine_runs(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="distributed is not installed")
    (local,) = [block for block in blocks(CLUSTER) if "LocalCluster" in block]
    (tmp_path / "on_dask.py").write_text(local)
    done = subprocess.run(
        [sys.executable, "on_dask.py"], cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Trial(" in done.stdout
