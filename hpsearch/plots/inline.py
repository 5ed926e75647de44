"""Plots as a part of a page: SVG that takes the page's colours, bright or dark, and names its marks under the pointer."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

from hpsearch.plots import chart, still
from hpsearch.plots.chart import GREYS, INK, VIRIDIS, Picture

_PAPER = "#ffffff"
_INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color")
# How colours change on a dark page: those that are too dark for it become brighter.
_DARK = {
    INK.lower(): "#dcdfe3",
    _PAPER: "#17191c",
    chart.BLUE.lower(): "#3f97dc",
    chart.SKY.lower(): "#9ad7fa",
    chart.GREY.lower(): "#9aa0a6",
    chart.ORANGE.lower(): "#f0743a",
    "#7a5195": "#b48ad0",
    "#b3446c": "#e0779b",
}
# On a dark page so much white is in the darkest colour of the palette, and none in the brightest: dark ones stay the good ones.
_WHITE = 0.4
_DARK_GREYS = ("#202327", "#565c64")
_COLOUR = re.compile(r"(?<=[a-z]: )#[0-9a-f]{6}\b")
_FONT = re.compile(r"font-family: [^;]+; ")
_DIGITS = re.compile(r"(\d\.\d\d)\d+")


def svg(picture: Picture, name: str) -> str:
    """Return the picture as an element of a page; ``name`` sets it apart from the other pictures of the page."""
    root = _without_namespaces(ElementTree.fromstring(_drawn(picture, name)))
    for element in [*root.findall("metadata"), *root.findall("defs/style/..")]:
        root.remove(element)
    _name_marks(root)
    _shorten(root)
    _rename(root, name)
    for size in ("width", "height"):
        del root.attrib[size]
    root.attrib |= {"class": "plot", "role": "group", "aria-label": picture.title}
    return ElementTree.tostring(root, encoding="unicode")


def style() -> str:
    """Return the style sheet that gives the colours of the pictures, on a bright page and on a dark one."""
    pairs = _colours()
    bright = "".join(f"{_variable(colour)}:{colour};" for colour in pairs)
    dark = "".join(f"{_variable(colour)}:{changed};" for colour, changed in pairs.items())
    shapes = "svg.plot * { stroke-linejoin: round; stroke-linecap: butt; }"
    # Thin lines that shine through are lost on a dark page.
    faint = 'svg.plot [style*="stroke-opacity: 0.55"] { stroke-opacity: 0.9 !important; }'
    return f"{shapes}\n:root{{{bright}}}\n@media screen and (prefers-color-scheme: dark){{:root{{{dark}}}\n{faint}}}"


def _drawn(picture: Picture, name: str) -> bytes:
    import matplotlib as mpl

    look: dict[Any, Any] = dict.fromkeys(_INKED, INK) | {"grid.color": chart.GREY, "svg.fonttype": "none", "svg.hashsalt": name}
    content = io.BytesIO()
    # The page's own fonts: such texts can be searched, and take its colour.
    with mpl.rc_context(look):
        figure = still.figure(picture, named=True)
        figure.patch.set_visible(False)
        for axes in figure.axes:
            axes.patch.set_visible(False)
        figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue()


def _without_namespaces(root: ElementTree.Element) -> ElementTree.Element:
    """Return elements and attributes under the names that HTML has for them."""
    for element in root.iter():
        element.tag = element.tag.partition("}")[2]
        element.attrib = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
    return root


def _name_marks(root: ElementTree.Element) -> None:
    """Turn the addresses of the marks into texts that a browser shows under the pointer."""
    for group in list(root.iter()):
        links = group.findall("a")
        if not links:
            continue
        marks = [_mark(link) for link in links]
        for link, mark in zip(links, marks, strict=True):
            group[list(group).index(link)] = mark
        _hoist(group, marks)


def _mark(link: ElementTree.Element) -> ElementTree.Element:
    """Return the one shape within a link, with the address as its text."""
    shape = next(element for element in link.iter() if element.tag in ("path", "use"))
    shape.attrib |= {key: value for element in link.iter("g") for key, value in element.attrib.items() if key == "clip-path"}
    shape.set("class", "mark")
    title = ElementTree.SubElement(shape, "title")
    title.text = link.get("href")
    return shape


def _hoist(group: ElementTree.Element, marks: list[ElementTree.Element]) -> None:
    """Move what all marks of a group have in common to the group: there may be thousands of them."""
    styles = [dict.fromkeys(mark.get("style", "").split("; ")) for mark in marks]
    shared = [part for part in styles[0] if part and all(part in style for style in styles)]
    clips = {mark.get("clip-path", "") for mark in marks}
    if shared:
        group.set("style", "; ".join(shared))
    if len(clips) == 1 and clips != {""}:
        group.set("clip-path", clips.pop())
    for mark, style in zip(marks, styles, strict=True):
        if "clip-path" in group.attrib:
            mark.attrib.pop("clip-path", None)
        mark.set("style", "; ".join(part for part in style if part not in shared))
        if not mark.attrib["style"]:
            del mark.attrib["style"]


def _shorten(root: ElementTree.Element) -> None:
    """Leave out names that nothing refers to and digits that nobody sees; put colours into the hands of the page."""
    text = ElementTree.tostring(root, encoding="unicode")
    used = set(re.findall(r"(?:url\(|href=\")#([^\")]+)", text))
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
        for key in ("d", "x", "y", "transform"):
            if key in element.attrib:
                element.set(key, " ".join(_DIGITS.sub(r"\1", element.attrib[key]).split()))
        if element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
        if "style" in element.attrib:
            element.set("style", _COLOUR.sub(_in_hands_of_page, _FONT.sub("", element.attrib["style"])))
        if element.tag not in ("text", "tspan", "title"):
            element.text = None
        element.tail = None


def _rename(root: ElementTree.Element, name: str) -> None:
    """Give the shapes that others refer to short names of their own within the page."""
    names = {found.attrib["id"]: f"{name}{i}" for i, found in enumerate(e for e in root.iter() if "id" in e.attrib)}
    for element in root.iter():
        if "id" in element.attrib:
            element.set("id", names[element.attrib["id"]])
        if element.get("href", "").startswith("#"):
            element.set("href", f"#{names[element.attrib['href'][1:]]}")
        if "clip-path" in element.attrib:
            element.set("clip-path", f"url(#{names[element.attrib['clip-path'][5:-1]]})")


def _in_hands_of_page(found: re.Match[str]) -> str:
    colour = found.group()
    return f"var({_variable(colour)})" if colour in _colours() else colour


def _variable(colour: str) -> str:
    return f"--c{colour[1:]}"


@lru_cache(maxsize=1)
def _colours() -> dict[str, str]:
    """Return every colour that changes on a dark page, with what it becomes there."""
    from matplotlib import colormaps
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    palette = colormaps[VIRIDIS]
    found = {to_hex(palette(i)): to_hex(_mixed(palette(i), _WHITE * (1 - i / 255))) for i in range(256)}
    bright, dark = (LinearSegmentedColormap.from_list("surface", ends, 64) for ends in (GREYS, _DARK_GREYS))
    found |= {to_hex(bright(i)): to_hex(dark(i)) for i in range(64)}
    return found | _DARK


def _mixed(colour: Sequence[float], white: float) -> tuple[float, float, float]:
    red, green, blue = (part * (1 - white) + white for part in colour[:3])
    return red, green, blue
