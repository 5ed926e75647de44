"""The note of a study in MLflow: the result and its confidence first, then what to do next, links and tables."""

from __future__ import annotations

import math
import shlex
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from hpsearch.analysis import sentences
from hpsearch.analysis.sentences import command
from hpsearch.ports import DataRecord, StudyRecord, TrackedStudy, describe_identity
from hpsearch.space import Choice, Domain, Int, Space
from hpsearch.tracking.pages.page import Page
from hpsearch.tracking.runs import markup
from hpsearch.tracking.runs.trial_keys import run_name
from hpsearch.trial import Candidate, Trial, flip_sign, format_spread, format_value
from hpsearch.trial.formatting import count

# MLflow cuts a note, which is a tag, at 8000 characters.
LIMIT = 7500
HISTORY = "plots/history.png"
# MLflow's table shows some 17 characters of a run's name, its page the whole.
NAME_WIDTH = 60
ENDS = {"finished": "finished", "killed": "interrupted", "failed": "ended by an error"}


def title(study: TrackedStudy, trials: Iterable[Trial]) -> str:
    """Return the name of a study's run: the result first, because MLflow's table cuts the end."""
    record, chosen = study.record, study.choose(list(trials))
    result = "no result yet" if chosen is None else f"best {format_value(flip_sign(chosen.mean, record.maximize))}"
    text = " ".join(f"{result} | {record.name}".split())
    return text if len(text) <= NAME_WIDTH else text[: NAME_WIDTH - 1] + "…"


def markdown(page: Page) -> str:
    """Return the note of a study, at most as long as MLflow keeps.

    MLflow shows about four lines of it until it is opened: the result, the question, the best setting and how sure it is.
    """
    result = sentences.describe_result(page.conclusions, page.style, page.status == "running")
    return _note(page, f"**{result} ({_state(page)}).**", "  \n")


def for_experiment(page: Page) -> str:
    """Return the note of the experiment: its list shows the start of it as plain text, its page all of it when opened."""
    result = sentences.describe_result(page.conclusions, replace(page.style, trial=run_name), page.status == "running")
    return _note(page, f"{result} ({_state(page)}).", "\n\n")


def _state(page: Page) -> str:
    running = time.strftime("running at %Y-%m-%d %H:%M UTC", time.gmtime(page.written))
    return f"{count(len(page.trials), 'trial')}, {ENDS.get(page.status, running)}"


def _note(page: Page, first: str, then: str) -> str:
    question = f"Question: {markup.plain(page.record.question, 300)}" if page.record.question else ""
    # Two spaces end a line without ending the paragraph.
    trivial = " ".join(sentences.describe_baseline(page.conclusions, page.style))
    top = "  \n".join(filter(None, [trivial, question, _best_setting(page), _confidence(page)]))
    return _fit([f"{first}{then}{top}" if top else first, *_body(page)])


def _best_setting(page: Page) -> str:
    """Return the params of the chosen setting in one line."""
    if page.chosen is None:
        return ""
    unit = page.record.facts.get("budget_unit", "epochs")
    budget = f", budget {page.chosen.budget} {unit}" if page.chosen.budget is not None else ""
    return f"Best setting: {markup.settings(page.chosen.params)}{budget}."


def _confidence(page: Page) -> str:
    said = " ".join(sentences.describe_confidence(page.conclusions, page.style))
    return f"How sure: {said}" if said else ""


def _body(page: Page) -> list[str]:
    parts = [
        _next_steps(page),
        _related(page),
        _overviews(page),
        best_settings(page),
        space_table(page.study.space),
        how(page.record),
        spent(page),
        run_with(page.record.facts),
    ]
    return [part for part in parts if part]


def _next_steps(page: Page) -> str:
    """Return the next steps as a list, the most urgent first."""
    found = sentences.describe_next(page.conclusions, page.style, page.status == "running")
    steps = [*_resume(page), *found, *_finish(page)]
    return "### What to do next\n" + "\n".join(f"- {step}" for step in steps) if steps else ""


def _resume(page: Page) -> Iterator[str]:
    run = f"with {markup.code(shlex.join(['hpsearch', 'run', page.source]))}" if page.source else "by running it again"
    if page.status == "running":
        yield f"Wait. If the time above stands still, the study was interrupted: resume it {run}."
    elif page.status != "finished":
        yield f"Resume the study {run}."


def _finish(page: Page) -> Iterator[str]:
    if page.status != "finished" or page.chosen is None:
        return
    yield f"{markup.code(command('report', page.record.name))} writes the report."
    if page.record.data is not None and any(part.sealed for part in page.record.data.parts) and page.source:
        test = markup.code(command("test", page.record.name))
        yield f"{test} opens the sealed test part. Do it once, when the choice is final: every opening is counted."


def _related(page: Page) -> str:
    """Return links to the studies that a comparison compares."""
    found = [markup.link(markup.plain(name, 60), address) for name, address in page.related.items() if address]
    return f"Studies compared: {', '.join(found)}." if found else ""


def _overviews(page: Page) -> str:
    """Return the links to all trials, and the picture of how the search went."""
    if not page.run_id:
        return ""
    table = markup.link("All trials, best first", page.overview())
    charts = markup.link("their charts", page.overview(charts=True))
    query = urlencode({"path": HISTORY, "run_uuid": page.run_id}, safe="/")
    picture = f"\n\n![history](/get-artifact?{query})" if HISTORY in page.pictures else ""
    return f"{table}, and {charts}.{picture}"


def _fit(parts: Sequence[str]) -> str:
    text = ""
    for part in parts:
        if len(text) + len(part) + 2 > LIMIT:
            part = f"*(Left out for length: {len(part)} characters; see study.json among the artifacts.)*"
        text += part + "\n\n"
    return text.rstrip()


ROWS, COLUMNS = 10, 8


def best_settings(page: Page) -> str:
    """Return the leading settings, best first, each with a link to its first trial."""
    rows = page.conclusions.ranking[:ROWS]
    if not rows:
        return ""
    names = [name for name in page.study.space if any(name in candidate.params for candidate in rows)][:COLUMNS]
    several = len({candidate.trials[0].stage for candidate in rows}) > 1
    extra = [*(["seeds"] if page.conclusions.replicated else []), *(["stage"] if several else [])]
    head = ["trial", "value", *extra, *(markup.plain(name, 40) for name in names)]
    cells = [[*_front(page, row, extra), *(markup.brief(row.params.get(name, "")) for name in names)] for row in rows]
    return "### Best settings\n" + markup.table([head, *cells])


def _front(page: Page, row: Candidate, extra: Sequence[str]) -> list[str]:
    first = row.trials[0]
    known = {"seeds": str(len(row.trials)), "stage": markup.plain(first.stage, 40)}
    return [page.link(first), format_spread(row, page.record.maximize), *(known[name] for name in extra)]


def space_table(space: Space) -> str:
    """Return the declared ranges."""
    rows = [[markup.plain(name, 60), *_range(domain)] for name, domain in space.domains.items()]
    return "### What was searched\n" + markup.table([["parameter", "range", "scale", "present"], *rows])


def _range(domain: Domain) -> list[str]:
    when = "; ".join(f"{parent} is {' or '.join(labels)}" for parent, labels in domain.conditions) or "always"
    if isinstance(domain, Choice):
        return [markup.plain(", ".join(domain.labels)), "choice", markup.plain(when)]
    if domain.is_fixed:
        return [f"{domain.low:g}", "fixed", markup.plain(when)]
    usual = 1 if isinstance(domain, Int) else None
    step = f", step {domain.step}" if domain.step != usual else ""
    return [f"{domain.low:g} to {domain.high:g}{step}", "log" if domain.log else "linear", markup.plain(when)]


def how(record: StudyRecord) -> str:
    """Return what else determines the trials: strategy, objective, seed and data."""
    lines = [
        f"- **{markup.plain(key, 40)}**: {markup.plain(text, 300)}"
        for key, text in sorted(
            describe_identity(record.identity, record.facts).items(), key=lambda item: item[0] not in ("strategy", "picked")
        )
        if key not in ("space", "name") and not (key == "data" and record.data)
    ]
    return "\n".join([*lines, *([_data(record.data)] if record.data else [])])


def _data(data: DataRecord) -> str:
    parts = ", ".join(f"{part.rows:,} rows {part.name}{' (sealed)' if part.sealed else ''}" for part in data.parts)
    kind = f"{data.classes} classes" if data.classes else "numbers to predict"
    return f"- **data**: {markup.plain(data.name, 60)}, {data.features} features, {kind}; {parts}; SHA-256 {data.checksum[:12]}"


def spent(page: Page) -> str:
    """Return the number of trials, how they ended, and what they cost."""
    counts = Counter(trial.status.value for trial in page.trials)
    by_status = ", ".join(f"{count} {status}" for status, count in counts.most_common()) or "none"
    checks = len(page.trials) - len(page.conclusions.findings.searching)
    epochs = math.fsum(_epochs(page.trials))
    costs = [f"{epochs:,.0f} epochs"] * (epochs > 0) + [f"{math.fsum(t.seconds for t in page.trials):,.1f} s of computing"]
    before = f"; {checks} of them checks before the search" * (checks > 0)
    return f"Spent: {len(page.trials)} trials ({by_status}{before}), {', '.join(costs)}."


def _epochs(trials: Sequence[Trial]) -> Iterator[float]:
    """Yield the epochs that each trial trained itself, without those of the trial it continues."""
    total = {trial.number: float(trial.outcome.metrics.get("epochs", 0.0)) for trial in trials if trial.outcome}
    for trial in trials:
        own = total.get(trial.number, 0.0) - (0.0 if trial.continues is None else total.get(trial.continues, 0.0))
        if math.isfinite(own):
            yield max(own, 0.0)


def run_with(facts: Mapping[str, str]) -> str:
    """Return the versions, the machine and the commit."""
    texts = {key: text for key, text in facts.items() if key not in ("git_commit", "git_dirty", "baseline")}
    parts = [f"{markup.plain(key, 40)} {markup.plain(text, 60)}" for key, text in texts.items()]
    if "git_commit" in facts:
        dirty = " with uncommitted changes" if facts.get("git_dirty") == "True" else ""
        parts.append(f"commit {markup.plain(facts['git_commit'][:12])}{dirty}")
    return "Run with " + ", ".join(parts) + "." if parts else ""
