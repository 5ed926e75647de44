"""The page of a study in MLflow: what came out, what was asked, what was searched, and the best trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hpsearch.ports import StudyRecord
from hpsearch.ranges import Choice, Domain, Int
from hpsearch.tracking.trial_run import run_name, shown
from hpsearch.trial import Trial, best

# MLflow cuts a note, which is a tag, at 8000 characters.
LIMIT = 7500
ROWS = 10
NAME_WIDTH = 22


@dataclass(frozen=True)
class Page:
    """What the page of a study is written from; ``runs`` leads from trial numbers to MLflow runs."""

    record: StudyRecord
    trials: Sequence[Trial]
    status: str
    experiment_id: str
    runs: Mapping[int, str] = field(default_factory=dict)


def title(record: StudyRecord, trials: Iterable[Trial]) -> str:
    """Return the name of a study's run: the result first, cut by ourselves where MLflow's table would cut it."""
    winner = best(trials)
    result = f"best {_value(winner[0], record):.4g}" if winner else "no result yet"
    text = " ".join(f"{result} | {record.name}".split())
    return text if len(text) <= NAME_WIDTH else text[: NAME_WIDTH - 1] + "…"


def markdown(page: Page) -> str:
    """Return the note of a study, at most as long as MLflow keeps."""
    parts = [
        _result(page),
        _plain(page.record.question),
        _best_table(page),
        "### What was searched\n" + _space_table(page.record),
        _lines(page.record.identity, skip=("space", "name")),
        _spent(page),
        "Run with " + ", ".join(f"{_plain(key)} {_short(text, 60)}" for key, text in page.record.facts.items()) + ".",
    ]
    text = ""
    for part in filter(None, parts):
        if len(text) + len(part) + 2 > LIMIT:
            part = f"*(Left out for length: {len(part)} characters; see study.json among the artifacts.)*"
        text += part + "\n\n"
    return text.rstrip()


def headline(page: Page) -> str:
    """Return the result of a study in one line, without links."""
    winner = best(page.trials)
    done = f"{len(page.trials)} trial{'s' if len(page.trials) != 1 else ''}, {page.status}"
    if not winner:
        return f"No result yet ({done})."
    return f"Best {page.record.measure} {_value(winner[0], page.record):.4g} in {run_name(winner[0])} ({done})."


def for_experiment(page: Page) -> str:
    """Return the note of the experiment: its list shows the start of it as plain text, its page all of it when opened."""
    return "\n\n".join([headline(page), *markdown(page).split("\n\n")[1:]])


def _value(trial: Trial, record: StudyRecord) -> float:
    return shown(trial.value, record.maximize) + 0.0  # nobody wants to read -0


def _result(page: Page) -> str:
    line = headline(page)
    for trial in best(page.trials):
        line = line.replace(run_name(trial), _link(page, trial), 1)
    return f"**{line}**"


def _link(page: Page, trial: Trial) -> str:
    run = page.runs.get(trial.number)
    return f"[{run_name(trial)}](#/experiments/{page.experiment_id}/runs/{run})" if run else run_name(trial)


def _best_table(page: Page) -> str:
    winners = best(page.trials, ROWS)
    columns = [name for name in page.record.space if any(name in trial.params for trial in winners)]
    if not winners:
        return ""
    head = [["trial", "value", *columns]]
    rows = [
        [_link(page, t), f"{_value(t, page.record):.6g}", *(_cell(t.params.get(name, "")) for name in columns)] for t in winners
    ]
    return "### Best trials\n" + _table(head + rows)


def _space_table(record: StudyRecord) -> str:
    rows = [[name, *_range(domain)] for name, domain in record.space.domains.items()]
    return _table([["parameter", "range", "scale", "present"], *rows])


def _range(domain: Domain) -> list[str]:
    when = "; ".join(f"{parent} is {' or '.join(labels)}" for parent, labels in domain.conditions) or "always"
    if isinstance(domain, Choice):
        return [", ".join(domain.labels), "choice", when]
    step = f", step {domain.step}" if isinstance(domain, Int) and domain.step != 1 else ""
    return [f"{domain.low:g} to {domain.high:g}{step}", "log" if domain.log else "linear", when]


def _spent(page: Page) -> str:
    counts = Counter(trial.status.value for trial in page.trials)
    by_status = ", ".join(f"{count} {status}" for status, count in counts.most_common()) or "none"
    seconds = sum(trial.seconds for trial in page.trials)
    return f"Trials: {by_status}. Computing time: {seconds:.1f} s in trials."


def _lines(texts: Mapping[str, str], skip: Sequence[str] = ()) -> str:
    return "\n".join(f"- {_plain(key)}: {_short(text)}" for key, text in texts.items() if key not in skip)


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(_short(cell) for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _short(text: str, width: int = 200) -> str:
    text = text if text.startswith("[trial ") else _plain(text)
    return text if len(text) <= width else text[: width - 1] + "…"


def _plain(text: str) -> str:
    """Return text that markdown shows as it is, in one line."""
    for mark, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "&#124;"), ("`", "&#96;"), ("[", "&#91;")):
        text = text.replace(mark, entity)
    return " ".join(text.replace("*", "\\*").replace("_", "\\_").split())
