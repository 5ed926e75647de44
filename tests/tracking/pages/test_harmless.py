"""Whatever a study, a parameter, a choice or an error is called: the note shows it as text and nothing else.

Judged by markdown-it, an independent implementation of CommonMark, with raw HTML, tables and bare addresses switched on.
"""

from __future__ import annotations

import html.parser
import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from hpsearch.ports import DataRecord, PartRecord, StudyRecord, TrackedStudy
from hpsearch.space import Choice, Float, Space
from hpsearch.tracking.pages.note import LIMIT, for_experiment, markdown, title
from hpsearch.tracking.pages.page import Page
from hpsearch.tracking.runs import markup
from hpsearch.tracking.runs.trial_run import description
from hpsearch.trial import Outcome, Status, Trial
from tests.tracking.sample import plain, tracked
from tests.tracking.store.test_names import HOSTILE

TEXTS = [
    *HOSTILE, "[x](javascript:alert(1))", "![i](http://evil.example/x.png)", "`code` and `", "| a | b |", "a|b",
    "</td></table><script>alert(1)</script>", "&lt;b&gt;", "\\*a\\*", "**bold** _i_ ~~s~~", "# head", "- item", "> quote",
    "<img src=x onerror=alert(1)>", "http://evil.example www.evil.example me@evil.example", "[a]: http://evil.example",
    "```\nfence", "<!--", "a\r\n\r\n| b |\n| --- |", "trailing\\",
]  # fmt: skip
ALLOWED = {"p", "strong", "a", "code", "br", "h3", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}


class Seen(html.parser.HTMLParser):
    """Collects tags, addresses and visible text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""
        self.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(source))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name != "style"]

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile_page(text: str) -> Page:
    """Return a page on which everything that can be named has the same hostile name."""
    space = Space(**{text: Float(0.1, 1.0), "kind": Choice(text, "plain")})
    data = DataRecord(text, "c" * 64, 2, 3, (PartRecord("training", 3, "d" * 64),))
    record = StudyRecord(text, text, {"strategy": text, text: text}, {text: text}, measure=text, data=data)
    study = TrackedStudy(record, space)
    params = {text: 0.5, "kind": text}
    good = [Trial(n, {**params, text: 0.5 + n / 10}, text, Status.FINISHED, Outcome(float(n))) for n in range(2)]
    failed = Trial(2, params, text, Status.FAILED, error=text)
    return Page(study, [*good, failed], "killed", "1", {0: "a" * 32, 2: "b" * 32}, "p" * 32, f"studies/{text}.py")


@pytest.mark.parametrize("text", TEXTS)
def test_nothing_breaks_out_of_the_note(text: str) -> None:
    page = hostile_page(text)
    for source in (markdown(page), for_experiment(page), *(description(t, page.record) for t in page.trials)):
        seen = Seen(source)
        assert seen.tags <= ALLOWED
        assert all(address.startswith("#/experiments/1/runs") for address in seen.addresses)
        # A code span is the one place in which an address stays text by itself.
        assert "://" not in re.sub(r"`[^`]*`", "", source)
    assert " ".join(text.split())[:30].rstrip() in " ".join(Seen(markdown(page)).text.split())


@pytest.mark.parametrize("text", TEXTS)
def test_tables_keep_their_columns(text: str) -> None:
    lines = [line for line in markdown(hostile_page(text)).splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in lines} == {5}


def test_a_name_that_is_half_a_character_is_shown_all_the_same() -> None:
    page = hostile_page("ordinary")
    page = replace(page, study=replace(page.study, record=replace(page.record, question="lone \udcff surrogate")))
    assert "lone ? surrogate" in markdown(page).encode().decode()


def test_a_note_stays_short() -> None:
    study = tracked(question="q" * 9000, facts={f"fact {n}": "y" * 5000 for n in range(300)})
    page = markdown(Page(study, [plain(n, n / 10) for n in range(50)], "running", "1", dict.fromkeys(range(50), "r" * 32)))
    assert len(page) <= LIMIT + 200
    assert "Left out for length" in page
    assert len(title(tracked("n" * 9000), [plain(0)])) == 60


def test_a_command_that_a_code_span_cannot_hold_is_text() -> None:
    assert markup.code("run 'a`b'") == "run 'a&#96;b'"
    assert markup.code("run 'a\nb'") == "run 'a b'"
