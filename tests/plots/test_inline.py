"""Pictures within a page: marks name their trial, colours are the page's in bright and dark, nothing is fetched or runs."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from matplotlib import colormaps
from matplotlib.colors import to_hex

from hpsearch.plots import inline
from hpsearch.plots.chart import Axis, Chart, Dots, Lines, Panel
from hpsearch.plots.kinds import KINDS, OF_NETWORKS, OF_PREDICTIONS, WHERE_RECORDED, draw
from hpsearch.plots.thinning import LEADERS, MOST
from tests.plots.sample import HOSTILE, STUDIES, result

DRAWN = [kind for kind in KINDS if kind not in (*OF_PREDICTIONS, *OF_NETWORKS, *WHERE_RECORDED)]


@pytest.fixture(scope="module")
def pictures() -> dict[str, str]:
    found = STUDIES["stages"]()
    return {kind: inline.svg(draw(kind, found.findings), kind) for kind in DRAWN}  # type: ignore[arg-type]


def texts(svg: str) -> list[str]:
    return [title.text or "" for title in ElementTree.fromstring(svg).iter("title")]


def test_every_mark_names_its_trial(pictures: dict[str, str]) -> None:
    found = STUDIES["stages"]()
    numbers = {f"trial {trial.number}" for trial in found.trials}
    for kind in ("history", "slice", "map", "parallel", "curves"):
        named = {text.split(":")[0] for text in texts(pictures[kind])}
        assert numbers >= {text for text in named if text.startswith("trial")}
        shown = [t for t in found.trials if kind not in ("parallel", "curves") or t.ok]
        wanted = {f"trial {trial.number}" for trial in shown}
        assert named >= wanted, kind


def test_pictures_refer_to_nothing_but_their_own_shapes(pictures: dict[str, str]) -> None:
    every = "".join(pictures.values())
    assert not re.search(r"<(script|image|foreignObject|style|a|metadata)\b", every)
    assert all(address.startswith("#") for address in re.findall(r'href="([^"]+)"', every))
    for kind, svg in pictures.items():
        used = set(re.findall(r'(?:url\(|href=")#([^")]+)', svg))
        ids = re.findall(r' id="([^"]+)"', svg)
        assert used == set(ids), kind
        others = "".join(other for name, other in pictures.items() if name != kind)
        assert not any(f' id="{name}"' in others for name in ids), kind  # one page holds all of them


def test_every_colour_of_the_page_is_defined_in_bright_and_dark(pictures: dict[str, str]) -> None:
    bright, dark = inline.style().split("@media")
    for variable in set(re.findall(r"var\((--c\w+)\)", "".join(pictures.values()))):
        assert f"{variable}:#" in bright
        assert f"{variable}:#" in dark


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def test_texts_and_marks_stand_out_from_a_dark_page_and_dark_ones_stay_the_good_ones() -> None:
    colours = inline._colours()
    paper = colours["#ffffff"]
    assert contrast(colours["#1a1a1b"], paper) > 7  # level AAA for texts
    palette = [colours[to_hex(colormaps["viridis"](i))] for i in range(256)]
    assert min(contrast(colour, paper) for colour in palette) > 2.5
    brightness = [luminance(colour) for colour in palette]
    assert all(a <= b + 0.005 for a, b in zip(brightness, brightness[8:], strict=False))


def test_hostile_texts_stay_texts() -> None:
    svg = inline.svg(draw("slice", STUDIES["hostile names"]().findings), "slice")  # type: ignore[arg-type]
    assert "<img" not in svg
    assert "</script" not in svg
    assert any(HOSTILE[:6] in (text.text or "") for text in ElementTree.fromstring(svg).iter("text"))


def test_very_many_marks_are_bounded() -> None:
    dots = Dots(list(range(20_000)), [0.0] * 20_000, [i / 20_000 for i in range(20_000)], ["trial"] * 20_000)
    svg = inline.svg(Chart("many", "", [Panel(Axis("x"), Axis("y"), [dots])]), "many")
    assert len(texts(svg)) <= MOST + LEADERS
    found = result(objective=_long)
    assert len(inline.svg(draw("curves", found.findings), "curves")) < 600_000  # type: ignore[arg-type]


def _long(params, context):  # type: ignore[no-untyped-def]
    for step in range(5000):
        context.report(step, cost=params["learning_rate"] / (step + 1) * (1 + 0.5 * (step % 7)))
    return params["learning_rate"]


def test_a_line_of_one_point_is_a_dot_with_its_text() -> None:
    nan = float("nan")
    lines = Lines([0, 1, nan, 5, nan], [0, 1, nan, 5, nan], "#0072B2", texts=["long"] * 3 + ["short"] * 2)
    svg = inline.svg(Chart("lines", "", [Panel(Axis("x"), Axis("y"), [lines])]), "lines")
    assert sorted(texts(svg)) == ["long", "short"]
