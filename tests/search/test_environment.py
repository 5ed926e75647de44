"""Facts of the code's repository, compared with what git itself says."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from hpsearch.search.environment import read_facts


def git(folder: Path, *arguments: str) -> str:
    names = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    return subprocess.run(["git", "-C", folder, *names, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def test_reading_the_state_of_a_repository_changes_nothing_in_it(tmp_path: Path) -> None:
    """Git writes its index anew where a file's time has changed, under a lock that a kill would leave behind."""
    file = tmp_path / "study.py"
    file.write_text("x = 1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    os.utime(file, (1e9, 1e9))
    before = (tmp_path / ".git" / "index").read_bytes()
    facts = read_facts(tmp_path)
    assert (facts["git_commit"], facts["git_dirty"]) == (git(tmp_path, "rev-parse", "HEAD"), "False")
    assert (tmp_path / ".git" / "index").read_bytes() == before
    file.write_text("x = 2\n")
    assert read_facts(tmp_path)["git_dirty"] == "True"
