"""How long commands take to start, in units of ``python -c "import mlflow"``, which takes turns with them.

python -m tests.benchmarks.start           # import hpsearch; list and show of 200 trials
python -m tests.benchmarks.start 10000     # the same of a study of so many trials, and its resume

Every figure is the median of rounds; each ratio is taken within its round. CPU says more on a machine that does other things.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from hpsearch import Float, Space, Study
from hpsearch.strategies import Random
from hpsearch.tracking import MlflowTracker

ROUNDS, TRIALS = 5, 200
UNIT = "import mlflow"
STUDY = '''
"""Does it start?"""
from hpsearch import main
from tests.benchmarks.start import plain, study

study = study({trials})

if __name__ == "__main__":
    main(study)
'''


def plain(params: dict[str, float]) -> float:
    """Return a value at once."""
    return sum(params.values())


def study(trials: int) -> Study:
    """Return a study of empty trials."""
    return Study("plain", Space(**{f"p{i}": Float(0.0, 1.0) for i in range(4)}), plain, Random(trials=trials))


def commands(file: Path, trials: int) -> dict[str, list[str]]:
    """Return what is measured, by name; the unit first."""
    program = ["-m", "hpsearch.cli"]
    found = {
        UNIT: ["-c", UNIT],
        "import hpsearch": ["-c", "import hpsearch"],
        f"list, {trials} trials": [*program, "list"],
        f"show, {trials} trials": [*program, "show", "plain"],
    }
    if trials > TRIALS:
        found[f"resume, {trials} trials"] = [*program, "run", str(file), "--no-report", "--jobs", "1"]
    return found


def measured(words: Sequence[str], folder: Path) -> tuple[float, float]:
    """Return the CPU and the wall-clock seconds of a command."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=folder, stdout=subprocess.DEVNULL, check=True)
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ended - began


def main(trials: int = TRIALS, rounds: int = ROUNDS) -> None:
    """Record a study, measure each command in turn, and print a table."""
    folder = Path(tempfile.mkdtemp(prefix="hpsearch-start-"))
    try:
        file = folder / "plain.py"
        file.write_text(STUDY.format(trials=trials))
        (folder / "pyproject.toml").touch()
        study(trials).run(1, backend="sequential", tracker=MlflowTracker(root=folder), source=file, report=False, model=False)
        wanted = commands(file, trials)
        taken = [{name: measured(words, folder) for name, words in wanted.items()} for _ in range(rounds)]
    finally:
        shutil.rmtree(folder)
    print("| command | CPU s | wall s | CPU, in units | wall, in units |\n| --- | ---: | ---: | ---: | ---: |")
    for name in wanted:
        seconds = [median(one[name][place] for one in taken) for place in (0, 1)]
        ratios = [median(one[name][place] / one[UNIT][place] for one in taken) for place in (0, 1)]
        print(f"| {name} | {seconds[0]:.2f} | {seconds[1]:.2f} | {ratios[0]:.2f} | {ratios[1]:.2f} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
