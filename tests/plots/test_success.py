"""The picture of the simulation: a panel per shape and dimension, with curves, law and reference."""

from __future__ import annotations

import pytest

from hpsearch import Outcome, Status, Trial
from hpsearch.plots.success import success_curves


def trial(number: int, shape: str, dimension: int, method: str) -> Trial:
    params = {"shape": shape, "dimension": dimension, "method": method}
    return Trial(number, params, "all", Status.FINISHED, Outcome(0.0, history={"success": ((1, 0.01), (64, 0.5))}))


def test_draws_what_it_is_given() -> None:
    cells = [("cube", 3, "random"), ("cube", 3, "grid"), ("rectangle", 3, "random")]
    figure = success_curves(trial(i, *cell) for i, cell in enumerate(cells))
    assert [axes.get_title() for axes in figure.axes] == ["cube, 3 dimensions", "rectangle, 3 dimensions"]
    labels = [line.get_label() for line in figure.axes[0].lines]
    assert labels[:2] == ["random", "grid of cell centres"]
    assert "published" in str(labels[2])
    assert list(figure.axes[0].lines[0].get_ydata()) == [0.01, 0.5]
    assert figure.axes[1].get_xlabel() == "trials T"


def test_the_law_is_drawn_as_published() -> None:
    figure = success_curves([trial(0, "cube", 3, "random")])
    law = figure.axes[0].lines[1]
    assert list(law.get_ydata()) == pytest.approx([1 - 0.99**t for t in law.get_xdata()])
