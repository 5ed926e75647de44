"""Run the three programs on the same table.

    python -m tests.benchmarks.side_by_side

Each is a file beside this one: a pipeline of a one-hot encoding and boosted trees, 20 settings by f1_macro over 5 folds, the
best model refitted and saved, and its score on a test part. Lines are those with code, imports included.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.side_by_side.customers import customers

FOLDER = Path(__file__).parent
PROGRAMS = ("with_hpsearch.py", "with_scikit_learn.py", "with_optuna.py")


def lines_of(program: Path) -> int:
    """Return the number of lines with code."""
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in program.read_text().splitlines())


def main() -> None:
    """Run each program in a folder of its own and print what it says and leaves there."""
    for name in PROGRAMS:
        with tempfile.TemporaryDirectory() as folder:
            customers().to_csv(Path(folder) / "customers.csv", index=False)
            program = shutil.copy(FOLDER / name, folder)  # its project is the folder
            began = time.perf_counter()
            ran = subprocess.run([sys.executable, program], cwd=folder, capture_output=True, text=True)
            seconds = time.perf_counter() - began
            left = sorted(
                str(path.relative_to(folder)) for path in Path(folder).iterdir() if path.name not in ("customers.csv", name)
            )
            print(f"{name}: {lines_of(FOLDER / name)} lines, {seconds:.0f} s, leaves {', '.join(left)}")
            print(ran.stdout.strip() or ran.stderr[-2000:])


if __name__ == "__main__":
    main()
