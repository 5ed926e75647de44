"""The note of a study in MLflow, put together: its first lines say the result, the rest tells the story."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from hpsearch.tracking.pages import tables
from hpsearch.tracking.pages.advice import next_steps
from hpsearch.tracking.pages.page import Page
from hpsearch.tracking.pages.related import sentence
from hpsearch.tracking.pages.summary import best_setting, confidence, headline
from hpsearch.tracking.runs import markup

# MLflow cuts a note, which is a tag, at 8000 characters.
LIMIT = 7500
HISTORY = "plots/history.png"


def markdown(page: Page) -> str:
    """Return the note of a study, at most as long as MLflow keeps.

    MLflow shows some four lines of it until it is opened: the result, the question, the best setting and how sure it is.
    """
    return _note(page, f"**{headline(page, page.link)}**", "  \n")


def for_experiment(page: Page) -> str:
    """Return the note of the experiment: its list shows the start of it as plain text, its page all of it when opened."""
    return _note(page, headline(page), "\n\n")


def _note(page: Page, first: str, then: str) -> str:
    question = f"Question: {markup.plain(page.record.question, 300)}" if page.record.question else ""
    # Two spaces end a line without ending the paragraph.
    top = "  \n".join(filter(None, [question, best_setting(page), confidence(page)]))
    return _fitted([f"{first}{then}{top}" if top else first, *_body(page)])


def _body(page: Page) -> list[str]:
    parts = [
        next_steps(page),
        sentence(page.about),
        _ways_in(page),
        tables.best_settings(page),
        tables.space_table(page.record),
        tables.how(page.record),
        tables.spent(page),
        tables.run_with(page.record.facts),
    ]
    return [part for part in parts if part]


def _ways_in(page: Page) -> str:
    """Return the links to all trials, and the picture of how the search went."""
    if not page.run_id:
        return ""
    table, charts = (
        markup.link("All trials, best first", page.overview()),
        markup.link("their charts", page.overview(charts=True)),
    )
    query = urlencode({"path": HISTORY, "run_uuid": page.run_id}, safe="/")
    picture = f"\n\n![history](/get-artifact?{query})" if HISTORY in page.pictures else ""
    return f"{table}, and {charts}.{picture}"


def _fitted(parts: Sequence[str]) -> str:
    text = ""
    for part in parts:
        if len(text) + len(part) + 2 > LIMIT:
            part = f"*(Left out for length: {len(part)} characters; see study.json among the artifacts.)*"
        text += part + "\n\n"
    return text.rstrip()
