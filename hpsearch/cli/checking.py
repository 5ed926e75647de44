"""Commands that look at a study before its first trial: its pre-flight checks, and its learning rate."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from hpsearch.cli.commands import check_folder, terminal
from hpsearch.errors import StudyError
from hpsearch.nn.rate import FoundRate
from hpsearch.objectives import CrossValidate, TrainNetwork
from hpsearch.objectives.preflight import find_rate, simplified
from hpsearch.study import CHECKS_PASSED, Study
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import PREFLIGHT, Trial


def check_study(study: Study, file: Path, jobs: int | None) -> None:
    """Run the pre-flight checks of a study and print what they say; exit with 1 where they find a bug."""
    console = terminal()
    if "preflight" not in study.adapted.capabilities:
        console.print(f"The objective of {study.name} has no pre-flight checks.", markup=False, soft_wrap=True)
        return
    result = study.checks().run(jobs, tracker=MemoryTracker(), source=file, model=False, report=False)
    table = Table("check", "learning rate", "verdict", box=SIMPLE_HEAD)
    for trial in result.trials:
        table.add_row(*map(Text, (trial.stage.removeprefix(f"{PREFLIGHT}: "), _rate_of(trial), _verdict(trial))))
    console.print(table)
    for note in result.notes:
        console.print(note, markup=False, soft_wrap=True)
    if CHECKS_PASSED not in result.notes:
        raise SystemExit(1)


def find_study_rate(study: Study, out: Path | None, epochs: int, repeats: int, rows: int | None) -> None:
    """Find the threshold of the learning rate of a study's network, print it, and draw the cost curves to ``out``.

    Raises:
        HpsearchError: the study trains no network, its method has no learning rate, or there is no threshold.
    """
    from hpsearch.plots.plot import check_file

    if out is not None:
        check_file(out)
        check_folder(out)
    objective = study.objective.objective if isinstance(study.objective, CrossValidate) else study.objective
    if not isinstance(objective, TrainNetwork):
        kind = type(objective).__name__
        raise StudyError(
            f"Study {study.name!r} trains no network, but {kind}: a learning rate is found for TrainNetwork alone."
        )
    middle = {name: value for name, value in study.space.from_unit([0.5] * len(study.space)).items() if name != "learning_rate"}
    params = simplified(study.space.resolve(middle))
    plan = objective.plan({"learning_rate": 1.0} | params)
    found = find_rate(plan if rows is None else plan.changed(train_rows=rows), epochs, repeats, study.seed)
    _say_rate(found, {name: value for name, value in middle.items() if name not in simplified({})})
    if out is not None:
        _draw(found, out)


def _say_rate(found: FoundRate, middle: dict[str, Any]) -> None:
    console = terminal()
    table = Table("learning rate", "training cost before the first epoch and after each", "", box=SIMPLE_HEAD)
    for rate, group in groupby(found.curves, lambda curve: curve.rate):
        curves = list(group)
        level = rate > found.threshold and not any(curve.rises for curve in curves)
        for curve in curves:
            costs = " ".join(f"{cost:.3g}" for cost in curve.costs)
            table.add_row(f"{rate:g}", costs, "rises" if curve.rises else "falls too little" if level else "")
    console.print(table)
    params = ", ".join(f"{name}={value}" for name, value in middle.items())
    where = f" Trained with {params}: the middle of the space." if middle else ""
    low, high = found.range
    for line in (
        f"The training cost falls up to a learning rate of {found.threshold:g} (order of magnitude {found.order:g}).{where}",
        "No penalty, dropout, distortion, average or frozen layer was used.",
        f"Half of it, for a training of many epochs: learning_rate={found.rate:g}",
        f"A first range for the space: learning_rate=Float({low:g}, {high:g}, log=True)",
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _draw(found: FoundRate, out: Path) -> None:
    from hpsearch.plots import Plot, rate_chart

    plot = Plot(rate_chart(found))
    plot.save(out)
    terminal().print(f"Written: {out}", markup=False, soft_wrap=True)
    terminal().print(plot.caption, markup=False, highlight=False, soft_wrap=True)


def _rate_of(trial: Trial) -> str:
    rate = trial.params.get("learning_rate")
    return "" if rate is None else f"{rate:g}"


def _verdict(trial: Trial) -> str:
    """Return what a check found, as it left it."""
    found: Any = trial.outcome.artifacts.get("verdict.txt", b"") if trial.outcome else b""
    return found.decode().strip() or f"failed: {trial.error or 'it did not finish'}"
