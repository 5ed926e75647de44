"""Facts recorded beside a study: library versions, machine, code version; and the differences of two sets of them."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from hpsearch.content import is_own_file

# Libraries whose version may change a trial's bits or a strategy's proposals.
_LIBRARIES = ("hpsearch", "numpy", "scipy", "scikit-learn", "joblib", "optuna", "numba", "mlflow")


def read_facts(folder: Path) -> dict[str, str]:
    """Return versions, machine and git state of ``folder`` as plain text."""
    return {"python": platform.python_version(), **_versions(), **_machine(), **_git(folder)}


@cache  # reading them takes 30 ms
def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _machine() -> dict[str, str]:
    return {"machine": platform.machine(), "system": platform.system(), "cores": str(os.cpu_count()), "cpu": _cpu()}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _git(folder: Path) -> dict[str, str]:
    commit = _run_git(folder, "rev-parse", "HEAD")
    if not commit:
        return {}
    return {"git_commit": commit, "git_dirty": str(bool(_run_git(folder, "status", "--porcelain")))}


def _run_git(folder: Path, *arguments: str) -> str:
    # Without the option `git status` takes a lock to write down what it found; a kill would leave it behind.
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def script_folder() -> Path:
    """Return the folder of the running script, or the current one in a notebook, at a prompt, or under a launcher."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(script).resolve().parent if script and is_own_file(script) else Path.cwd()


def list_differences(recorded: Mapping[str, str], now: Mapping[str, str], names: tuple[str, ...] | None = None) -> list[str]:
    """Return one phrase per entry that changed, such as ``seed was 0, is now 1``."""
    keys = names or tuple(dict.fromkeys([*recorded, *now]))
    return [
        f"{key} was {recorded.get(key, 'absent')}, is now {now.get(key, 'absent')}"
        for key in keys
        if recorded.get(key) != now.get(key)
    ]
