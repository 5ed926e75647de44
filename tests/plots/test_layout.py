"""The grid of a plot: every place of it belongs to one panel, whatever their number."""

from __future__ import annotations

from itertools import product

import pytest

from hpsearch.plots import interactive, still
from hpsearch.plots.chart import BLUE, Axis, Chart, Lines, Panel

PANEL = Panel(Axis("x"), Axis("y"), [Lines([0.0, 1.0], [0.0, 1.0], BLUE)])


def chart(count: int, columns: int) -> Chart:
    return Chart("", "", [PANEL] * count, columns)


@pytest.mark.parametrize(("count", "columns"), [*product(range(1, 14), range(1, 5))])
def test_no_place_is_empty_and_none_is_taken_twice(count: int, columns: int) -> None:
    rows, across, cells = chart(count, columns).layout()
    taken = [(cell.row, column) for cell in cells for column in range(cell.column, cell.column + cell.width)]
    assert sorted(taken) == list(product(range(rows), range(across)))
    assert len(cells) == count
    assert rows == -(-count // min(columns, count))


@pytest.mark.parametrize(("count", "columns"), [(3, 2), (5, 3), (7, 4), (4, 2)])
def test_both_kinds_of_picture_fill_the_last_row(count: int, columns: int) -> None:
    drawn = still.figure(chart(count, columns))
    drawn.canvas.draw()
    last = count % columns or columns
    bottom = [axes.get_position() for axes in drawn.axes][-last:]
    top = [axes.get_position() for axes in drawn.axes][:columns]
    assert (bottom[0].x0, bottom[-1].x1) == pytest.approx((top[0].x0, top[-1].x1), abs=0.02)
    page = interactive.figure(chart(count, columns)).to_dict()["layout"]
    domains = [page[f"xaxis{i or ''}"]["domain"] for i in [*range(2, count + 1)][-last:]] if count > 1 else []
    assert (domains[0][0], domains[-1][1]) == pytest.approx((0.0, 1.0))
