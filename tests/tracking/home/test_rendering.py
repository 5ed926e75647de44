"""The HTML of the home page, read by Python's own parser: whatever a study is called, it is text."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from mlflow.entities import Experiment

from hpsearch.tracking.home import Overview, RunningTrial, render

HOSTILE = '</title></script></style><img src=x onerror="alert(1)"><script>alert(1)</script> & \' javascript:alert(1)'
STUDY = Overview(
    name="digits", state="running", question="Which rate?", measure="validation error", best=0.03125,
    curve=[(1, 4.0), (3, 2.0)], done=3, failed=1, planned=8, started=1.7e9, user="ada", host="vm",
    experiment=Experiment("7", "digits", "", "active", []), run_id="ab" * 16, reported=True,
)  # fmt: skip


class Reader(HTMLParser):
    """Collects the tags with their attributes, and the text within each kind of tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.inside: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while tag in self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        for tag in set(self.inside):
            self.texts[tag] = self.texts.get(tag, "") + data

    @property
    def links(self) -> list[str]:
        return [str(attributes["href"]) for tag, attributes in self.tags if tag == "a"]


def test_hostile_texts_are_shown_and_change_nothing() -> None:
    experiment = Experiment('7"><script>', HOSTILE, "", "active", [])
    trial = RunningTrial(HOSTILE, 'ef"><b>', 1.7e9, {HOSTILE: HOSTILE}, {HOSTILE: 0.5})
    texts = dict.fromkeys(("name", "question", "measure", "user", "host"), HOSTILE)
    hostile = replace(STUDY, **texts, experiment=experiment, trials=[trial])
    plain = Reader(render([replace(STUDY, trials=[RunningTrial("t", "ef", 1.7e9, {"p": "1"}, {"m": 0.5})])], "a place"))
    page = Reader(render([hostile], HOSTILE))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    assert [sorted(attributes) for _, attributes in page.tags] == [sorted(attributes) for _, attributes in plain.tags]
    assert page.texts["body"].count(HOSTILE) == 1 + len(texts) + 4
    assert [link.partition("#")[0] for link in page.links] == ["./"] * len(page.links)


def test_a_browser_runs_this_script_alone_and_fetches_nothing_from_elsewhere() -> None:
    page = Reader(render([STUDY], "a place", live=True))
    policy = next(
        str(a["content"]) for tag, a in page.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    for tag in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.texts[tag].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert not [attributes for _, attributes in page.tags if {"src", "style", "action"} & {*attributes}]
    assert not [tag for tag, _ in page.tags if tag in ("link", "iframe", "form", "img", "object", "base")]
    assert "http" not in page.texts["script"] + page.texts["style"]


@pytest.mark.parametrize(
    ("state", "planned", "failed", "said"),
    [
        ("running", 8, 1, "3 of 8 trials, 1 failed"),
        ("interrupted", 2, 0, "3 of 3 trials"),
        ("finished", 8, 0, "3 trials"),
        ("failed", None, 3, "3 trials, 3 failed"),
    ],
)
def test_progress_in_words(state: str, planned: int | None, failed: int, said: str) -> None:
    page = render([replace(STUDY, state=state, planned=planned, failed=failed)], "here")
    assert said in " ".join(Reader(page).texts["article"].split())


def test_the_sparkline_falls_from_the_first_value_to_the_last_and_needs_two() -> None:
    """By hand: a box of 240 x 48 with an edge of 3 all around it."""
    page = render([STUDY], "here")
    assert '<path d="M3.0 3.0H237.0V45.0"' in page
    assert "Best so far: 4 after 1 trial, 2 after 3" in Reader(page).texts["svg"]
    plain = replace(STUDY, curve=[(1, 4.0), (3, float("nan"))])
    assert "<svg" not in render([plain], "here")
    trial = RunningTrial("trial 003", "ef", 1.7e9, values={"curve/cost": 2.0}, curve=[(0, 1.0), (1, 1.5), (2, 2.0)])
    assert '<path d="M3.0 45.0L120.0 24.0L237.0 3.0"' in render([replace(plain, trials=[trial])], "here")


def test_links_lead_to_table_charts_and_report_of_any_server() -> None:
    links = Reader(render([STUDY], "here", "https://host/mlflow/")).links
    runs = "https://host/mlflow/#/experiments/7/runs"
    _, name, table, charts, report = links
    assert name == table == f"{runs}?{table.partition('?')[2]}"
    assert "workflowType=machine_learning" in table
    assert charts == f"{table}&compareRunsMode=CHART"
    assert report == f"{runs}/{STUDY.run_id}/artifacts/report.html?workflowType=machine_learning"
    assert len(Reader(render([replace(STUDY, reported=False)], "here")).links) == 4


def test_an_empty_store_says_what_to_do() -> None:
    assert "hpsearch run FILE" in Reader(render([], "here")).texts["main"]
