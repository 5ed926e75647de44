"""Seconds of a whole search, from the command to the report, ours and Optuna's, in turns; needs torch and optuna-integration.

python -m tests.benchmarks.whole_search --trials 64 --rounds 1
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[3]


def seconds_of_ours(folder: Path, environment: dict[str, str]) -> float:
    """Run the study with two workers, its record and its report."""
    began = time.perf_counter()
    program = shutil.copy(HERE / "with_hpsearch.py", folder)  # its project is the folder
    subprocess.run([sys.executable, program, "--jobs", "2"], cwd=folder, env=environment, check=True)
    return time.perf_counter() - began


def seconds_of_optuna(folder: Path, environment: dict[str, str]) -> float:
    """Run two processes that share a journal; the second starts once the first has created the study."""
    began = time.perf_counter()
    workers = []
    for number in ("0", "1"):
        workers.append(
            subprocess.Popen([sys.executable, HERE / "with_optuna.py"], cwd=folder, env=environment | {"WORKER": number})
        )
        while number == "0" and not (folder / "mlflow.db").exists() and workers[0].poll() is None:
            time.sleep(0.05)
    if any(worker.wait() for worker in workers):
        raise SystemExit("Optuna's search failed.")
    return time.perf_counter() - began


def main() -> None:
    """Run both in turns and print seconds and ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    environment = os.environ | {
        "TRIALS": str(options.trials),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    ratios = []
    for _ in range(options.rounds):
        found = []
        for run in (seconds_of_ours, seconds_of_optuna):
            with tempfile.TemporaryDirectory() as folder:
                found.append(run(Path(folder), environment))
        ratios.append(found[1] / found[0])
        print(f"hpsearch {found[0]:.1f} s, Optuna with PyTorch {found[1]:.1f} s, {ratios[-1]:.2f} times", flush=True)
    print(f"median ratio {median(ratios):.2f}")


if __name__ == "__main__":
    main()
