"""A page for every documented module, made from the docstrings without a warning."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_exported_members import LISTED, PLAIN

ROOT = Path(__file__).parents[2]


@pytest.mark.campaign
def test_every_documented_module_has_a_page(tmp_path: Path) -> None:
    """The command ends at pdoc's first warning: a name without an object, an annotation without a meaning."""
    command = [sys.executable, "-m", "tests.docs", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    for name in (*LISTED, *PLAIN):
        page = tmp_path.joinpath(*name.split(".")).with_suffix(".html").read_text(encoding="utf-8")
        assert f"<title>{name} API documentation</title>" in page
    assert '<a href="hpsearch/nn/layers.html">hpsearch.nn.layers</a>' in (tmp_path / "index.html").read_text(encoding="utf-8")
