"""A plot as a file: every format is one that its readers open, in the size asked for."""

from __future__ import annotations

import io
import re
import struct
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch import Choice, Float, Space, Study
from hpsearch.analysis.contest import Contest
from hpsearch.errors import SettingError, StudyError
from hpsearch.plots import Plot, contest_chart
from hpsearch.plots.kinds import KINDS, OF_PREDICTIONS
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker
from tests.analysis.test_contest import search
from tests.plots.sample import STUDIES


@pytest.fixture(scope="module")
def plot() -> Plot:
    study = Study("p", Space(x=Float(0, 1)), lambda params: float(params["x"]), Random(trials=5))
    return study.run(1, backend="sequential", tracker=MemoryTracker()).plot()


def test_a_png_has_the_size_asked_for(plot: Plot, tmp_path: Path) -> None:
    content = plot.save(tmp_path / "a.png", width=4, height=2.5, dpi=200).read_bytes()
    assert struct.unpack(">II", content[16:24]) == (800, 500)  # of the header that the PNG specification describes


def test_an_svg_is_xml_with_its_letters_as_outlines(plot: Plot, tmp_path: Path) -> None:
    root = ElementTree.parse(plot.save(tmp_path / "a.svg", width=3.5)).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.attrib["width"] == "252pt"  # 72 points an inch
    assert root.findall(".//{http://www.w3.org/2000/svg}text") == []


def test_a_pdf_holds_its_fonts(plot: Plot, tmp_path: Path) -> None:
    content = plot.save(tmp_path / "a.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert b"/FontFile2" in content  # an embedded TrueType font


@pytest.fixture(scope="module")
def every_kind() -> dict[str, Plot]:
    """A plot of every kind that a study can have: ranges that narrow, and predictions."""
    from sklearn.linear_model import LogisticRegression

    from hpsearch import data
    from hpsearch.objectives import TrainNetwork, TrainRNN, TuneEstimator

    x = np.random.default_rng(0).normal(size=(120, 3))
    objective = TuneEstimator(LogisticRegression(), data.arrays(x, np.where(x[:, 0] > 0, "yes", "no")))
    study = Study("p", Space(C=Float(0.01, 100.0, log=True)), objective, Random(trials=2))
    predicting = study.run(1, backend="sequential", tracker=MemoryTracker())
    searching = STUDIES["stages"]()
    monitored = TrainNetwork(data.digits(), hidden=(5,), epochs=2, learning_rate=0.5, train_size=100, monitor_layers=True)
    layered = Study("l", Space(batch_size=Choice(10, 20)), monitored, Random(trials=2))
    trained = layered.run(1, backend="sequential", tracker=MemoryTracker())
    plots = {kind: trained.plot(kind) for kind in ("layers", "weights")}
    reading = Study(
        "t", Space(window=Choice(5, 10)), TrainRNN(data.tale(2000), 5, epochs=1, learning_rate=0.1), Random(trials=1)
    )
    plots |= {"unit": reading.run(1, backend="sequential", tracker=MemoryTracker()).plot("unit")}
    others = [kind for kind in KINDS if kind not in plots]
    plots |= {kind: (predicting if kind in OF_PREDICTIONS else searching).plot(kind) for kind in others}
    rng = np.random.default_rng(0)
    arms = {name: [search(rng.random(9).tolist()) for _ in range(4)] for name in "abcd"}
    return plots | {"contest": Plot(contest_chart(Contest(arms)))}


def test_every_kind_is_an_svg_that_needs_no_fonts(every_kind: dict[str, Plot], tmp_path: Path) -> None:
    for kind, plot in every_kind.items():
        root = ElementTree.parse(plot.save(tmp_path / f"{kind}.svg")).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.findall(".//{http://www.w3.org/2000/svg}text") == []
        used = {value[1:] for e in root.iter() for name, value in e.attrib.items() if name.endswith("href") and value[0] == "#"}
        assert used <= {e.get("id") for e in root.iter()}, kind
        assert root.findall(".//{http://www.w3.org/2000/svg}a") == [], kind  # marks carry their texts on pages alone


def test_every_kind_is_a_pdf_with_all_its_fonts(every_kind: dict[str, Plot], tmp_path: Path) -> None:
    """Each descriptor of a font must name the file of that font within the PDF (PDF 1.7, section 9.9)."""
    for kind, plot in every_kind.items():
        content = plot.save(tmp_path / f"{kind}.pdf").read_bytes()
        descriptors = re.findall(rb"/Type /FontDescriptor.*?>>", content, re.DOTALL)
        assert descriptors, kind
        assert all(b"/FontFile2" in found for found in descriptors), kind
        assert b"/Subtype /Type1 " not in content  # one of the 14 fonts that a viewer would have to bring
        assert content.rstrip().endswith(b"%%EOF")


def test_the_same_plot_has_the_same_bytes(plot: Plot, tmp_path: Path) -> None:
    for ending in ("svg", "pdf", "png"):
        first, second = (plot.save(tmp_path / f"{name}.{ending}").read_bytes() for name in "ab")
        assert first == second


def test_the_title_can_be_left_out(plot: Plot, tmp_path: Path) -> None:
    with_title, without = (plot.save(tmp_path / "a.html", title=title).read_text() for title in (True, False))
    assert plot.picture.title in with_title
    assert plot.picture.title not in without


def test_it_shows_itself_in_a_notebook(plot: Plot) -> None:
    from matplotlib.image import imread

    assert imread(io.BytesIO(plot._repr_png_())).shape[:2] == (700, 1200)
    assert plot.figure().axes
    assert plot.interactive().data


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        ("a.gif", {}, "A plot's file must be one ending in .png, .svg, .pdf, .html, got '.*a.gif'. Try a.png"),
        ("a.png", {"width": 0}, r"A plot's width must be a number in \[1, 100\], got 0"),
        ("a.png", {"dpi": 1e6}, r"A plot's dpi must be a number in \[10, 2400\], got 1000000.0"),
        ("a.html", {"width": 3.0}, "A plot of a given size must be a still picture, got '.*a.html'"),
    ],
)
def test_bad_input_is_one_sentence(plot: Plot, tmp_path: Path, name: str, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        plot.save(tmp_path / name, **settings)
    assert not (tmp_path / name).exists()


def test_what_cannot_be_drawn_says_why() -> None:
    study = Study("p", Space(x=Float(0, 1)), lambda params: 0.0, Random(trials=2))
    result = study.run(1, backend="sequential", tracker=MemoryTracker())
    with pytest.raises(StudyError, match="Study 'p' has no picture 'map': A map needs two numeric parameters"):
        result.plot("map")
    with pytest.raises(SettingError, match="Did you mean 'history'"):
        result.plot("histry")
