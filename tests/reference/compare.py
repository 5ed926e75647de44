"""Compare two checkouts of hpsearch by the reference studies, bit by bit, in one environment.

python -m tests.reference.compare BEFORE AFTER               # all studies, in about a minute
python -m tests.reference.compare BEFORE AFTER random_mixed  # those named

BEFORE and AFTER are folders of checkouts. The studies are those of AFTER, run with the hpsearch of each: their trial tables,
identities and reprs must be equal, and so must the runs, tags, params and metrics of the three that are recorded in an MLflow
store. Times, paths, git facts and the prose of notes are left out. Prints "equal" or the first difference per study; the exit
code is 1 where anything differs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.reference.trial_tables import exact

Rows = list[list[str]]

_LONGEST = 400
_USAGE = "Usage: python -m tests.reference.compare BEFORE AFTER [NAME ...]"


def main(before: Path, after: Path, names: list[str]) -> int:
    """Print what became of each study, and return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        first, second = (_dump(checkout, after, Path(folder) / side, names) for checkout, side in ((before, "a"), (after, "b")))
    said = {name: _differences(first, second, name) for name in dict.fromkeys([*first["studies"], *second["studies"]])}
    for name, found in said.items():
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        sys.stdout.write(f"{name}: {_cut(found[0]) + more if found else 'equal'}\n")
    return int(any(said.values()))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


def _dump(checkout: Path, after: Path, folder: Path, names: list[str]) -> dict[str, Any]:
    """Run the studies of ``after`` with the hpsearch of a checkout, in a process of their own."""
    # A copy, so that the checkout's own tests are not what is imported.
    shutil.copytree(after / "tests" / "reference", folder / "tests" / "reference", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests" / "__init__.py").touch()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment["PYTHONPATH"] = os.pathsep.join([str(folder), str(checkout.resolve())])
    command = [sys.executable, "-m", "tests.reference.dump", "dump.json", *names]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"The studies could not be run with {checkout}:\n{ended.stderr}")
    found: dict[str, Any] = json.loads((folder / "dump.json").read_text(encoding="utf-8"))
    if Path(found["package"]) != (checkout / "hpsearch").resolve():
        raise SystemExit(f"The package must be that of {checkout}, got {found['package']}. Check what is installed.")
    return found


def _differences(before: dict[str, Any], after: dict[str, Any], name: str) -> list[str]:
    """Return one phrase a difference between two dumps of a study."""
    first, second = before["studies"][name], after["studies"][name]
    parts = [f"repr of {part}: {text} became {second['texts'][part]}" for part, text in first["texts"].items()
             if text != second["texts"][part]]  # fmt: skip
    return exact(first, second) + parts + changed_rows(before["stores"].get(name, []), after["stores"].get(name, []))


def changed_rows(before: Rows, after: Rows) -> list[str]:
    """Return a phrase for each row of a store that only one of two dumps has."""
    rows = {" | ".join(row): "is gone" for row in before if row not in after}
    rows |= {" | ".join(row): "is new" for row in after if row not in before}
    return [f"in the store {text} {what}" for text, what in sorted(rows.items())]


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(_USAGE)
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
