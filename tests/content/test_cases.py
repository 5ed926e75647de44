"""Identities of random studies: equal in processes with other hash seeds and after a rewrite, unequal after one change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.content.cases import sources


@pytest.mark.parametrize("count", [60, pytest.param(300, marks=pytest.mark.campaign)])
def test_identities_follow_what_decides_the_values(tmp_path: Path, count: int) -> None:
    """What may change and what may not is known from how the sources are made."""
    found = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        command = [sys.executable, "-m", "tests.content.cases", str(count), str(folder)]
        done = subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout))
    one, other = found
    assert [case for case in range(count) if one[case] != other[case]] == []
    assert [sources(case)[0] for case in range(count) if one[case][0] != one[case][1]] == []
    assert [sources(case)[::2] for case in range(count) if one[case][0] == one[case][2]] == []
