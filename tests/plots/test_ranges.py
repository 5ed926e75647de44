"""The range-by-stage picture: one panel per parameter, the bands of the batches, a mark for every trial."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from hpsearch import Choice, Float, Int, Space, Study
from hpsearch.analysis.stages import windows
from hpsearch.plots.ranges import stage_ranges
from hpsearch.strategies import Random, Staged
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Params

pytest.importorskip("matplotlib")

SPACE = Space(
    rate=Float(1e-4, 1e-2, log=True), hidden=Int(10, 100), kind=Choice("a", "b"), mu=Float(0.0, 1.0, when={"kind": "b"})
)


def score(params: Params) -> float:
    if params["hidden"] > 90:
        raise ValueError("too wide")
    return abs(math.log10(params["rate"]) + 1) + abs(params.get("mu", 0.9) - 0.5)


@pytest.mark.parametrize("strategy", [Staged(trials=40), Random(trials=10)])
def test_draws_a_panel_per_parameter_and_a_mark_per_trial(strategy: Staged | Random, tmp_path: Path) -> None:
    study = Study("picture", SPACE, score, strategy, seed=2)
    trials = study.run(1, backend="sequential", tracker=MemoryTracker()).trials
    figure = stage_ranges(windows(study.search(), SPACE, trials), SPACE)
    panels = {axes.get_ylabel(): axes for axes in figure.axes}
    assert set(panels) >= set(SPACE)
    marks = {name: sum(len(c.get_offsets()) for c in panels[name].collections if c.get_sizes().size) for name in SPACE}
    assert marks["rate"] == len(trials) + 1  # every trial, and the star of the best one
    assert marks["mu"] - sum("mu" in t.params for t in trials) in (0, 1)
    assert panels["rate"].get_yscale() == "log"
    figure.savefig(tmp_path / "picture.png")


def test_draws_where_nothing_finished(tmp_path: Path) -> None:
    def fail(params: Params) -> float:
        raise RuntimeError("no")

    study = Study("picture", SPACE, fail, Staged(trials=20), seed=0)
    trials = study.run(1, backend="sequential", tracker=MemoryTracker()).trials
    stage_ranges(windows(study.search(), SPACE, trials), SPACE).savefig(tmp_path / "picture.png")
