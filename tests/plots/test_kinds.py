"""Every kind of picture of every kind of study, on paper and for the browser; and that the numbers in them are right."""

from __future__ import annotations

import io
import json
import re

import pytest
from PIL import Image

from hpsearch import Context, Float, Space
from hpsearch.errors import SettingError
from hpsearch.plots import interactive, still
from hpsearch.plots.chart import Band, Cells, Chart, Dots, Lines, Panel, Parallel
from hpsearch.plots.kinds import KINDS, OF_NETWORKS, OF_PREDICTIONS, WHERE_RECORDED, draw
from hpsearch.plots.thinning import LEADERS, MOST, kept_dots
from hpsearch.search.result import Result
from hpsearch.strategies import Halving
from tests.plots.sample import STUDIES, result

# Kinds that have nothing to draw, and say so.
SENTENCES = {
    "all failed": set(KINDS),
    "all diverged": set(KINDS),
    "one trial": {"importance", "model"},
    "one constant value": {"importance", "curves", "model"},
    "extreme values": {"curves"},
    "hostile names": {"curves"},
}
RENDERED = ("eight parameters, long labels", "one trial", "hostile names", "stages")


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    return {name: make() for name, make in STUDIES.items()}


@pytest.mark.parametrize("name", list(STUDIES))
@pytest.mark.parametrize("kind", list(KINDS))
def test_is_drawn_or_says_why_not(results: dict[str, Result], name: str, kind: str) -> None:
    picture = draw(kind, results[name].findings)
    # These objectives predict no rows, train no network and have no layers.
    silent = {*SENTENCES.get(name, ()), *OF_PREDICTIONS, *OF_NETWORKS, *WHERE_RECORDED}
    silent |= set() if name == "stages" else {"ranges"}  # random search never narrows them
    assert isinstance(picture, str) == (kind in silent), picture
    if isinstance(picture, str):
        assert picture[0].isupper()
        assert "could not" not in picture
        return
    if name not in RENDERED:
        return
    with Image.open(io.BytesIO(still.png(picture))) as image:
        assert image.width == 1200
        assert 700 <= image.height <= 1500
        assert len(set(image.convert("L").resize((60, 35)).tobytes())) > 5  # something was drawn
    part = interactive.figure(picture).to_html(full_html=False, include_plotlyjs=False)
    assert part.count("</script>") == 1 + part.count("MathJaxConfig")
    assert "<img" not in part
    assert "NaN" not in re.sub(r'"bdata":"[^"]*"', "", part)


def test_nothing_is_cut_off() -> None:
    """Everything of the widest picture lies inside the paper, by matplotlib's own measure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    drawn = dict.fromkeys(("slice", "parallel", "map", "history", "model"), STUDIES["eight parameters, long labels"])
    for kind, made in (drawn | {"ranges": STUDIES["stages"]}).items():
        picture = draw(kind, made().findings)
        assert not isinstance(picture, str)
        figure = still.figure(picture)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        paper = figure.bbox.expanded(1.002, 1.002)
        shown = [axes.get_tightbbox() for axes in figure.axes]
        shown += [legend.get_window_extent() for legend in figure.legends]
        assert all(box is not None and paper.contains(*box.min) and paper.contains(*box.max) for box in shown), kind


def _chart(kind: str, found: Result) -> Chart:
    picture = draw(kind, found.findings)
    assert isinstance(picture, Chart)
    return picture


def _layers(panel: Panel, label: str) -> list[Dots]:
    return [layer for layer in panel.layers if isinstance(layer, Dots) and layer.label == label]


def test_history_ends_at_the_best_value_and_marks_every_trial() -> None:
    found = result()
    values = [trial.value for trial in found.trials if trial.ok]
    for panel in _chart("history", found).panels:
        (line,) = [layer for layer in panel.layers if isinstance(layer, Lines)]
        assert line.y[-1] == min(values)
        assert list(line.y) == sorted(line.y, reverse=True)
        assert sum(len(layer.x) for layer in _layers(panel, "trial") + _layers(panel, "failed")) == len(found.trials)
    seconds = _chart("history", found).panels[1].layers[0]
    assert isinstance(seconds, Dots)
    total = sum(trial.seconds for trial in found.trials)
    assert max(seconds.x) == pytest.approx(total, rel=0.5)
    assert max(seconds.x) <= total * (1 + 1e-9)


def test_values_are_shown_as_the_user_returned_them() -> None:
    found = result(maximize=True)
    returned = {found.value(trial) for trial in found.trials if trial.ok}
    line = next(layer for layer in _chart("history", found).panels[0].layers if isinstance(layer, Lines))
    assert line.y[-1] == max(returned) > 0
    assert list(line.y) == sorted(line.y)


def test_very_bad_values_do_not_flatten_the_others() -> None:
    panel = _chart("history", STUDIES["extreme values"]()).panels[0]
    assert panel.y.scale is not None
    assert panel.y.scale.high < 100
    assert "beyond the axis" in panel.y.label


def test_logarithmic_ranges_have_logarithmic_axes() -> None:
    panels = {panel.x.label: panel for panel in _chart("slice", result()).panels}
    assert {name: bool(p.x.scale and p.x.scale.log) for name, p in panels.items()} == {
        "learning_rate": True, "l2": True, "kind": False,
    }  # fmt: skip


def test_slices_show_conditional_parameters_where_they_are() -> None:
    found = STUDIES["eight parameters, long labels"]()
    panel = next(panel for panel in _chart("slice", found).panels if panel.x.label == "momentum")
    dots = panel.layers[0]
    assert isinstance(dots, Dots)
    assert len(dots.x) == sum("momentum" in trial.params for trial in found.trials) > 0


def test_curves_begin_with_that_of_the_value() -> None:
    """The value is the last point of `cost`; `other` comes second, although both are reported together."""
    chart = _chart("curves", result())
    assert [panel.y.label for panel in chart.panels] == ["cost", "other"]
    best = [layer for layer in chart.panels[0].layers if isinstance(layer, Lines) and layer.label.startswith("best: ")]
    assert [p for p in best[0].y if p == p][-1] == result().best.value


def test_parallel_lines_cross_every_axis_between_its_ends() -> None:
    found = STUDIES["eight parameters, long labels"]()
    picture = draw("parallel", found.findings)
    assert isinstance(picture, Parallel)
    assert len(picture.axes) == len(found.study.space) + 1
    places = [place for upright in picture.axes for place in upright.places]
    assert min(places) == pytest.approx(-0.12)  # where a conditional parameter is absent
    assert max(places) <= 1
    assert picture.places[picture.best] == 0.0


def test_the_map_takes_rate_and_decay() -> None:
    panel = _chart("map", result()).panels[0]
    assert (panel.x.label, panel.y.label) == ("learning_rate", "l2")


def test_the_map_takes_the_most_important_numbers_otherwise() -> None:
    panel = _chart("map", STUDIES["eight parameters, long labels"]()).panels[0]
    assert panel.x.label == "parameter_number_0"


def test_ranges_draw_a_panel_per_parameter_and_a_mark_per_trial() -> None:
    found = STUDIES["stages"]()
    panels = {panel.y.label: panel for panel in _chart("ranges", found).panels}
    assert list(panels) == list(found.study.space)
    marks = [layer for layer in panels["l2"].layers if isinstance(layer, Dots)]
    assert sum(len(layer.x) for layer in marks) == len(found.trials) + 1  # every trial, and the star of the best one
    assert [name for _, name in panels["l2"].stages] == ["coarse", "fine", "finer"]


def test_the_model_draws_the_leading_pair_first_and_then_every_parameter() -> None:
    """The value is the learning rate over 3, and trials that fail beyond a rate of 1 count as the worst."""
    found = result()
    chart = _chart("model", found)
    assert [panel.x.label for panel in chart.panels][:2] == ["learning_rate", "learning_rate"]
    assert {panel.x.label for panel in chart.panels[1:]} == set(found.study.space)
    (cells,) = [layer for layer in chart.panels[0].layers if isinstance(layer, Cells)]
    assert len(cells.x) == len(cells.places) + 1
    assert len(cells.y) == len(cells.places[0]) + 1
    assert cells.places[0][0] < cells.places[-1][0]  # dark where the rate is low
    (line,) = [layer for layer in chart.panels[1].layers if isinstance(layer, Lines)]
    (band,) = [layer for layer in chart.panels[1].layers if isinstance(layer, Band)]
    assert list(line.y[5:30]) == sorted(line.y[5:30])
    assert all(low <= mean <= high for low, mean, high in zip(band.low, line.y, band.high, strict=True))
    axis = chart.panels[1].x.scale
    assert axis is not None
    assert axis.log
    assert chart.columns == 2
    assert [panel.y.label.split(" (")[0] for panel in chart.panels] == ["kind", "value", "value", ""]
    assert (line.x[0], line.x[-1]) == (1e-4, 10.0)


def test_the_caption_of_the_model_says_how_to_read_it_and_whether_to_go_on() -> None:
    caption = _chart("model", result()).caption
    for expected in ("fitted to 24 trials", "95 % band", "Length scales, as shares of a range: learning_rate ", "going on"):
        assert expected in caption


def test_the_model_of_many_parameters_fills_three_rows() -> None:
    """Nine parameters: the map and the eight with the strongest effects."""
    chart = _chart("model", STUDIES["eight parameters, long labels"]())
    assert len(chart.panels) == 9
    assert chart.columns == 3


def test_the_model_of_one_parameter_is_one_panel_without_a_map() -> None:
    chart = _chart("model", result(Space(x=Float(0.0, 1.0)), lambda params: (params["x"] - 0.3) ** 2))
    assert [panel.x.label for panel in chart.panels] == ["x"]
    assert chart.colours is None
    assert interactive.page(chart)
    assert still.png(chart)


def test_the_model_of_a_maximised_study_is_dark_where_values_are_large() -> None:
    found = STUDIES["maximised"]()
    chart = _chart("model", found)
    assert chart.colours is not None
    first, last = (float(text) for _, text in (chart.colours.ticks[0], chart.colours.ticks[-1]))
    assert first > last


@pytest.mark.parametrize(("configurations", "starred"), [(27, False), (90, True)])
def test_the_model_has_a_star_only_where_the_best_trial_is_of_its_budget(configurations: int, starred: bool) -> None:
    """Ten trials are needed: of 27 halved by 3 no later rung has so many, of 90 the last of two has 30."""

    def trained(params: dict[str, float], context: Context) -> float:
        return (params["x"] - 0.3) ** 2 + params["y"] ** 2 + 1.0 / (context.budget or 1)

    space = Space(x=Float(0.0, 1.0), y=Float(0.0, 1.0))
    chart = _chart("model", result(space, trained, strategy=Halving(trials=configurations, max_epochs=3)))
    stars = [layer for panel in chart.panels for layer in panel.layers if isinstance(layer, Dots) and layer.mark == "star"]
    assert bool(stars) == starred


def test_many_dots_are_thinned_in_the_browser_and_the_best_stay() -> None:
    ranks = [(i * 7919 % 5000) / 5000 for i in range(5000)]
    dots = Dots(list(range(5000)), [0.0] * 5000, ranks)
    kept = kept_dots(dots)
    assert len(kept) <= MOST + LEADERS
    assert {i for i, rank in enumerate(ranks) if rank < 100 / 5000} <= set(kept)


def test_a_page_of_its_own_needs_no_network() -> None:
    page = interactive.page(_chart("map", result()))
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", page)
    assert len(page) > 1e6  # plotly's script is in it


def test_an_unknown_kind_is_answered_with_the_closest() -> None:
    with pytest.raises(SettingError, match=r"must be one of history, .*, got 'histry'.*Did you mean 'history'"):
        draw("histry", result().findings)


def test_hostile_texts_stay_texts() -> None:
    found = STUDIES["hostile names"]()
    picture = draw("slice", found.findings)
    assert not isinstance(picture, str)
    drawn = json.dumps(interactive.figure(picture).to_plotly_json()["layout"], default=str)
    assert "&lt;/script&gt;" in drawn
    assert "<img" not in drawn
