"""The report: complete, harmless, without network access; attached at the end of a run, and it never fails a study."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from hpsearch import Choice, Context, Float, Space, Study
from hpsearch.plots.chart import Chart, Dots
from hpsearch.report.report import KINDS, draw_all, files, report, trials_csv
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker, MlflowTracker
from tests.plots.sample import HOSTILE, SPACE, STUDIES, result, score

STUDY = Study("reported", SPACE, score, Random(trials=12), seed=3, question="Is it reported?")
PICTURES = {f"plots/{kind}.png" for kind in ("history", "curves", "slice", "parallel", "map")}


class Page(HTMLParser):
    """The texts of a page, its tags, and whatever in it would be fetched."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [str(value) for name, value in attrs if name == "id"]
        links = [str(value) for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        self.links += [link[1:] for link in links if link.startswith("#")]
        self.fetched += [link for link in links if not link.startswith("#")]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] not in (["script"], ["style"]):
            self.texts.append(data)


@pytest.fixture(scope="module")
def hostile() -> str:
    return report(STUDIES["hostile names"]())


def test_the_page_says_everything_and_fetches_nothing() -> None:
    found = result(confirm=2, confirm_replicates=2)
    page = Page(report(found))
    text = " ".join(page.texts)
    assert page.fetched == []
    assert f"Exact params of trial {found.best.number}: {found.best_params!r}" in text
    for expected in ("Best value ", "over 2 seeds", "What is drawn?", "0.0001 to 10", "planted failure", "python", "confirm"):
        assert expected in text
    assert f"{found.chosen.params['learning_rate']:.4g}" in text
    assert page.tags.count("section") == 17
    assert set(page.links) <= set(page.ids)
    assert "Ranges: The strategy draws every batch from the study's own ranges" in text


def test_contents_lead_to_every_section() -> None:
    page = report(result())
    (contents,) = re.findall(r"<nav.*?</nav>", page)
    assert re.findall(r'href="#([^"]+)"', contents) == re.findall(r'<section id="([^"]+)"', page)


def test_the_page_says_when_and_where_the_study_ran() -> None:
    found = replace(result(), trials=[replace(t, started=1_700_000_000.0 + t.number, seconds=60.0) for t in result().trials])
    found = replace(found, record=replace(found.record, facts={"system": "Plan9", "cores": "64", "cpu": "m68k"}))
    text = " ".join(Page(report(found)).texts)
    assert "Run from 2023-11-14 22:13 to 22:14 UTC; on Plan9, m68k, 64 cores; page written on " in text


def test_a_page_of_a_typical_study_is_small_and_cannot_run_texts() -> None:
    """60 trials of five parameters with curves: the size that people mail, and that a browser opens at once."""
    space = Space(**{f"p{i}": Float(0.0, 1.0) for i in range(4)}, kind=Choice("a", "b"))

    def objective(params: dict[str, Any], context: Context) -> float:
        for step in range(1, 51):
            context.report(step, loss=params["p0"] + 1 / step, error=params["p1"] / step)
        return float(params["p0"] + params["p1"] * params["p2"])

    page = report(result(space, objective, strategy=Random(trials=60)))
    assert len(page.encode()) < 1_500_000
    assert "unsafe-eval" not in page
    assert not re.search(r"</?(img|iframe|object|link|image)\b", page)


def test_many_parameters_are_capped_and_the_page_says_so() -> None:
    space = Space(**{f"p{i:02}": Float(0.0, 1.0) for i in range(50)})
    found = result(space, lambda params: params["p07"] - params["p40"], strategy=Random(trials=30))
    page = report(found, {kind: KINDS[kind](found.findings) for kind in ("slice", "parallel", "importance")})
    text = " ".join(Page(page).texts)
    assert "Of 50 parameters, the 9 most important are drawn." in text  # slice
    assert "Of 50 parameters, the 12 most important are drawn." in text  # parallel
    assert "Of 50 parameters, the 30 that the ranks follow most closely are analysed." in text
    assert "30 less important parameters are in trials.csv too." in text
    (heads,) = re.findall(r'class="sortable"><thead>(.*?)</thead>', page)
    assert heads.count("<th>") == 24
    assert "<th>p07</th>" in heads
    assert "<th>p40</th>" in heads


@pytest.mark.parametrize("changes", [{}, {"maximize": True}, {"replicates": 2}, {"confirm": 3, "confirm_replicates": 2}])
def test_of_equal_values_the_table_and_the_stars_show_the_same_trial(changes: dict[str, Any]) -> None:
    """There are two values only."""
    found = result(objective=lambda params: float(params["learning_rate"] > 0.03), **changes)
    findings = found.findings
    assert sum(trial.value == findings.finished[0].value for trial in findings.finished) > 1
    (first,) = re.findall(r'class="sortable">.*?<tbody><tr><td>(\d+)</td>', report(found, {}))
    assert int(first) == found.best.number
    for kind in ("history", "slice", "map"):
        picture = KINDS[kind](findings)
        assert isinstance(picture, Chart)
        stars = [layer.label for p in picture.panels for layer in p.layers if isinstance(layer, Dots) and layer.mark == "star"]
        assert set(stars) == {f"best: trial {first}"}


def test_the_page_has_a_table_of_what_matters_and_advice() -> None:
    text = " ".join(Page(report(result())).texts)
    assert "share of the variance length scale learning_rate" in " ".join(text.split())
    assert "going on, as it is " in text
    few = " ".join(Page(report(result(strategy=Random(trials=5)))).texts)
    assert "Importance needs 10 finished trials" in few
    assert "The model needs 10 finished trials" in few


def test_hostile_texts_stay_texts(hostile: str) -> None:
    page = Page(hostile)
    assert "img" not in page.tags
    assert page.fetched == []
    assert HOSTILE in " ".join(page.texts)
    assert HOSTILE not in hostile
    assert "default-src 'none'" in hostile


def test_a_study_without_a_result_is_reported_too() -> None:
    text = " ".join(Page(report(STUDIES["all failed"]())).texts)
    assert "No trial finished with a value (5 trials)" in text
    assert HOSTILE in text


def test_the_table_holds_every_trial_to_the_last_digit() -> None:
    found = result()
    rows = list(csv.DictReader(io.StringIO(trials_csv(found))))
    assert [int(row["number"]) for row in rows] == [trial.number for trial in found.trials]
    assert [float(row["learning_rate"]) for row in rows] == [trial.params["learning_rate"] for trial in found.trials]
    assert {row["status"] for row in rows} == {"finished", "failed"}


def test_a_picture_that_fails_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(findings: Any) -> str:
        raise ZeroDivisionError("planted")

    monkeypatch.setitem(KINDS, "map", broken)
    pictures = draw_all(result())
    assert pictures["map"] == "This picture could not be drawn: ZeroDivisionError: planted"
    assert not isinstance(pictures["history"], str)


def test_memory_is_given_a_report_only_when_asked() -> None:
    tracker = MemoryTracker()
    STUDY.run(1, backend="sequential", tracker=tracker)
    assert not tracker.studies["reported"].files
    STUDY.run(1, backend="sequential", tracker=tracker, report=True)
    assert set(tracker.studies["reported"].files) == PICTURES | {"report.html", "trials.csv"} | {
        "plots/importance.png",
        "plots/model.png",
    }


def test_a_report_that_fails_never_fails_the_study(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError("disk full\nmore")

    tracker = MemoryTracker()
    monkeypatch.setattr(tracker, "attach", broken)
    done = STUDY.run(1, backend="sequential", tracker=tracker, report=True)
    assert done.unreported == "The report could not be made (the study itself is recorded): disk full"
    assert len(done.trials) == 12


def test_mlflow_keeps_the_report_and_draws_it_once(tmp_path: Path, put_store: Callable[[Path], Path]) -> None:
    put_store(tmp_path)

    def run(**options: Any) -> Any:
        return STUDY.run(1, backend="sequential", tracker=MlflowTracker(root=tmp_path), **options)

    assert run().unreported == ""
    (page,) = tmp_path.rglob("report.html")
    assert re.search(r"<h1>Best value \S+ in trial \d+ \(12 trials\)</h1>", page.read_text())
    assert {f"plots/{file.name}" for file in tmp_path.rglob("plots/*")} >= PICTURES
    written = page.stat().st_mtime_ns
    run()
    assert page.stat().st_mtime_ns == written  # nothing new was run
    page.unlink()
    run(fresh=True, report=False)
    assert not list(tmp_path.rglob("report.html"))


def test_pictures_drawn_by_workers_are_the_same() -> None:
    found = STUDIES["one trial"]()
    assert files(found, jobs=2) == files(found)
