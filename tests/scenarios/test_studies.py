"""Every study in studies/ runs, shrunk to seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

STUDIES = sorted((Path(__file__).parents[2] / "studies").glob("*.py"))


@pytest.mark.parametrize("file", STUDIES, ids=lambda f: f.stem)
def test_smoke(file: Path) -> None:
    if "mnist" in file.stem and "HPSEARCH_DATA_HOME" not in os.environ:
        pytest.skip("MNIST is not here: HPSEARCH_DATA_HOME is not set")
    command = [sys.executable, "-m", "hpsearch.cli", "run", str(file), "--smoke"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert "of 2 trials" in done.stdout


@pytest.mark.parametrize("file", STUDIES, ids=lambda f: f.stem)
def test_is_listed_and_short(file: Path) -> None:
    assert f"`{file.name}`" in (file.parent / "README.md").read_text()
    assert len(file.read_text().splitlines()) <= 45
