"""The picture of a comparison: labels that name each line, apart from each other and on the paper."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from hpsearch.analysis.contest import Contest
from hpsearch.plots import interactive, still
from hpsearch.plots.chart import Boxes, EndLabels, Lines, Whiskers, spread_apart
from hpsearch.plots.contest import contest_chart
from tests.analysis.test_contest import search

NAMES = ("Random", "Sobol", "a strategy with a very long name", "d", "$e_1$", "f", "g", "h")


def contest(arms: int, maximize: bool = False) -> Contest:
    """Return contenders that end close to each other."""
    rng = np.random.default_rng(arms)
    return Contest(
        {name: [search(rng.random(9).tolist()) for _ in range(5)] for name in NAMES[:arms]}, maximize=maximize
    )  # fmt: skip


@pytest.mark.parametrize(("arms", "maximize"), [(2, False), (3, True), (5, False), (8, True)])
def test_labels_name_the_lines_and_are_apart_and_on_the_paper(arms: int, maximize: bool) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    found = contest(arms, maximize)
    chart = contest_chart(found)
    figure = still.figure(chart)
    FigureCanvasAgg(figure).draw()
    assert figure.legends == []
    for axes, panel in zip(figure.axes, chart.panels, strict=True):
        boxes = [Text.get_window_extent(text) for text in axes.texts]  # without the joining lines
        assert len(boxes) == (arms if panel is chart.panels[0] else len(list(combinations(range(arms), 2))))
        for below, above in pairwise(sorted(boxes, key=lambda box: box.y0)):
            assert below.y1 <= above.y0 + 1
        paper = figure.bbox.expanded(1.002, 1.002)
        assert all(paper.contains(*box.min) and paper.contains(*box.max) for box in boxes)
    (labels,) = [layer for layer in chart.panels[0].layers if isinstance(layer, EndLabels)]
    lines = [layer for layer in chart.panels[0].layers if isinstance(layer, Lines)]
    for name, end, colour, line in zip(found.arms, labels.ends, labels.colours, lines, strict=True):
        assert end == pytest.approx(found.curve(name)[-1].centre)
        assert (line.y[-1], line.colour) == (pytest.approx(end), colour)


def test_bands_of_more_than_three_contenders_give_way_to_upright_lines() -> None:
    kinds = {arms: {type(layer) for layer in contest_chart(contest(arms)).panels[0].layers} for arms in (3, 4)}
    assert kinds == {3: {Boxes, Lines, EndLabels}, 4: {Whiskers, Lines, EndLabels}}


def test_an_upright_line_is_the_interval_of_the_budget_below_it() -> None:
    found = contest(5)
    chart = contest_chart(found)
    whiskers = [layer for layer in chart.panels[0].layers if isinstance(layer, Whiskers)]
    for name, layer in zip(found.arms, whiskers, strict=True):
        for x, low, high in zip(layer.x, layer.low, layer.high, strict=True):
            interval = found.curve(name)[np.searchsorted(found.budgets, x, side="right") - 1]
            assert low >= interval.low - 1e-12  # cut off beyond the axis
            assert high <= interval.high + 1e-12
            assert low <= interval.centre <= high or high < interval.centre


def test_a_browser_shows_the_labels_as_texts() -> None:
    figure = interactive.figure(contest_chart(contest(3)))
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert len(texts) == 6
    assert any("Sobol" in text for text in texts)
    assert not any(trace.showlegend for trace in figure.data)
    assert figure.layout.margin.r > 100


@pytest.mark.parametrize("seed", range(8))
def test_places_are_spread_as_little_as_possible(seed: int) -> None:
    """Compared with a quadratic program in scipy: the least squares of the moves under the same gaps."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(seed)
    places, gap = rng.random(5) ** 3, 0.12
    found = np.array(spread_apart(places.tolist(), gap))
    order = np.argsort(places)
    assert np.diff(found[order]).min() >= gap - 1e-9
    assert found.min() >= -1e-9
    assert found.max() <= 1 + 1e-9
    constraints = [{"type": "ineq", "fun": lambda x, a=a, b=b: x[b] - x[a] - gap} for a, b in pairwise(order)]
    best = minimize(lambda x: ((x - places) ** 2).sum(), found, bounds=[(0, 1)] * 5, constraints=constraints, method="SLSQP")
    assert ((found - places) ** 2).sum() == pytest.approx(best.fun, abs=1e-5)
