"""The simulation of the paper: how often a search hits a target of one hundredth of the space, published beside ours."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass

from hpsearch.analysis import simulation
from hpsearch.plots.success import success_curves
from hpsearch.ports import Context
from hpsearch.reproductions.reproduction import Options, Reproduced, Row
from hpsearch.space import Choice, Space
from hpsearch.strategies import Grid
from hpsearch.study import Study
from hpsearch.trial import Curve, Outcome, Params, Trial

# Published shares have two digits; a difference beyond four standard errors and that rounding is one.
_ROUNDING, _ERRORS = 0.005, 4.0
Curves = Mapping[tuple[str, int, str], Curve]


@dataclass(frozen=True)
class HitTargets:
    """Search ``targets`` targets of one shape and dimension; the value is the share that the longest search did not hit."""

    targets: int = simulation.TARGETS
    measure = "share of targets missed"

    def __call__(self, params: Params, context: Context) -> Outcome:
        places = simulation.place(params["shape"], params["dimension"], context.rng, self.targets)
        curve = simulation.success(params["method"], places, context.rng)
        for trials, share in curve:
            context.report(trials, success=share)
        return Outcome(1 - curve[-1][1], history=context.history)


def study(targets: int, seed: int, label: str) -> Study:
    """Return the study: every shape, dimension and method."""
    return Study(
        name=f"grid-vs-random-targets{label}",
        space=Space(shape=Choice("cube", "rectangle"), dimension=Choice(3, 5), method=Choice("random", "grid", "sobol")),
        objective=HitTargets(targets),
        strategy=Grid(),
        seed=seed,
        question="How often do 1 to 512 trials hit a target of 1 % of the space: at random, on a grid, along Sobol points?",
    )


def run(options: Options, targets: int, label: str) -> Reproduced:
    """Run the study, whose name ends in ``label``; return rows of the table, conclusions, and the picture."""
    trials = [trial for trial in options.result(study(targets, options.seed, label)).trials if trial.ok]
    curves = {_cell(trial): trial.outcome.history["success"] for trial in trials if trial.outcome is not None}
    content = io.BytesIO()
    success_curves(trials, targets).savefig(content, format="png", dpi=100)
    rows = [*_grid_rows(curves, targets), _law_row(curves, targets)]
    return Reproduced(rows, [_conclusion(curves)], {"plots/targets.png": content.getvalue()})


def _cell(trial: Trial) -> tuple[str, int, str]:
    return trial.params["shape"], trial.params["dimension"], trial.params["method"]


def _grid_rows(curves: Curves, targets: int) -> list[Row]:
    rows = []
    for (shape, dimension), published in simulation.GRID_REFERENCE.items():
        ours = dict(curves[shape, dimension, "grid"])
        for points, share in published:
            what = f"share of targets hit, {shape} in {dimension} dimensions, grid of {points}"
            rows.append(Row(what, f"{share:.2f}", f"{ours[points]:.3f}", _verdict(ours[points], share, targets)))
    return rows


def _verdict(ours: float, published: float, targets: int) -> str:
    allowed = _ROUNDING + _ERRORS * math.sqrt(max(published * (1 - published), 0.25 / targets) / targets)
    return "as published" if abs(ours - published) <= allowed else f"differs by {ours - published:+.3f}"


def _law_row(curves: Curves, targets: int) -> Row:
    """Compare with the law at every number of trials, in units of the standard error."""
    off = [
        (share - simulation.law(trials)) / math.sqrt(simulation.law(trials) * (1 - simulation.law(trials)) / targets)
        for (_, _, method), curve in curves.items()
        if method == "random"
        for trials, share in curve
    ]
    worst = max(map(abs, off))
    ours = f"at most {worst:.1f} standard errors off at {len(off)} points"
    return Row("share of targets hit by T random trials", "1 - 0.99^T", ours, "as published" if worst <= _ERRORS else "differs")


def _conclusion(curves: Curves) -> str:
    ahead = {shape: [gap for one, gap in _ahead(curves) if one == shape] for shape, _ in _ahead(curves)}
    said = ", ".join(f"from {min(gaps):+.2f} to {max(gaps):+.2f} on {shape}s" for shape, gaps in ahead.items())
    return f"Of targets of 1 % of the space, grids of 27 points and more hit another share than as many random trials: {said}."


def _ahead(curves: Curves) -> list[tuple[str, float]]:
    """Return, by shape, by how much grids of 27 points and more beat the law of random search."""
    grids = [(shape, curve) for (shape, _, method), curve in curves.items() if method == "grid"]
    return [(shape, share - simulation.law(points)) for shape, curve in grids for points, share in curve if points >= 27]
