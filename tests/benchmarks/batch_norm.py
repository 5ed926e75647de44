"""Accuracy by learning rate with batch normalisation and without: the table and the picture of studies/batch_norm.py.

``python -m tests.benchmarks.batch_norm PICTURE.png`` runs the study, or takes its record, and prints means over the seeds with
their 95 % intervals.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hpsearch.analysis.intervals import mean_interval
from hpsearch.cli.loading import load_study
from hpsearch.plots import still
from hpsearch.plots.chart import Chart
from hpsearch.plots.seeds import curves_panel
from hpsearch.trial import Trial

STUDY = Path(__file__).parents[2] / "studies" / "batch_norm.py"
NAMES = {False: "without", True: "with batch normalisation"}
# What guessing the most frequent class of ten finds, in per cent; a training that ended early counts as it.
CHANCE = 10.0


def accuracy(trial: Trial) -> float:
    """Return the validation accuracy of a trial in per cent."""
    return 100 * (1 - trial.outcome.value) if trial.ok and trial.outcome is not None else CHANCE


def by_rate(trials: Sequence[Trial]) -> dict[bool, dict[float, list[Trial]]]:
    """Return the trials of every rate, with batch normalisation and without."""
    found: dict[bool, dict[float, list[Trial]]] = {norm: {} for norm in NAMES}
    for trial in trials:
        found[bool(trial.params["batch_norm"])].setdefault(float(trial.params["learning_rate"]), []).append(trial)
    return found


def line(norm: bool, rate: float, trials: list[Trial]) -> str:
    mean, failed = mean_interval([accuracy(trial) for trial in trials]), sum(not trial.ok for trial in trials)
    ended = f", {failed} of {len(trials)} diverged" if failed else ""
    return f"{NAMES[norm]}, rate {rate:g}: {mean.centre:.2f} % ({mean.low:.2f} to {mean.high:.2f}){ended}"


def picture(found: Mapping[bool, Mapping[float, list[Trial]]], title: str) -> bytes:
    seeds = {
        NAMES[norm]: [
            tuple((rate, accuracy(trial)) for rate, trial in zip(rates, of_seed, strict=True))
            for of_seed in zip(*rates.values(), strict=True)
        ]
        for norm, rates in found.items()
    }
    panel = curves_panel("accuracy on validation images (%)", seeds, {}, (0, 100), "learning rate", log=True)
    return still.png(Chart(title, "", [panel]))


if __name__ == "__main__":
    study = load_study(STUDY)
    groups = by_rate(study.run().trials)
    for norm, rates in groups.items():
        for rate, trials in rates.items():
            print(line(norm, rate, trials))
    if len(sys.argv) > 1:
        title = "Which learning rates does a network bear with batch normalisation, and which without?"
        Path(sys.argv[1]).write_bytes(picture(groups, title))
