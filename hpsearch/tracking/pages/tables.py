"""Tables of a study's page in MLflow: best settings, space, cost, versions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from hpsearch.ports import DataRecord, StudyRecord
from hpsearch.space import Choice, Domain, Int, Space
from hpsearch.tracking.pages.page import Page
from hpsearch.tracking.runs import markup
from hpsearch.trial import Candidate, Trial, format_spread

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
    step = f", step {domain.step}" if isinstance(domain, Int) and domain.step != 1 else ""
    return [f"{domain.low:g} to {domain.high:g}{step}", "log" if domain.log else "linear", markup.plain(when)]


def how(record: StudyRecord) -> str:
    """Return what else determines the trials: strategy, objective, seed and data."""
    lines = [
        f"- **{markup.plain(key, 40)}**: {markup.plain(text, 300)}"
        for key, text in sorted(record.identity.items(), key=lambda item: item[0] != "strategy")
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
    texts = {key: text for key, text in facts.items() if key not in ("git_commit", "git_dirty")}
    parts = [f"{markup.plain(key, 40)} {markup.plain(text, 60)}" for key, text in texts.items()]
    if "git_commit" in facts:
        dirty = " with uncommitted changes" if facts.get("git_dirty") == "True" else ""
        parts.append(f"commit {markup.plain(facts['git_commit'][:12])}{dirty}")
    return "Run with " + ", ".join(parts) + "." if parts else ""
