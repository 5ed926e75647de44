"""HTML report of a study: one self-contained page without network access, the pictures, and the table of all trials."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from hpsearch.analysis import sentences
from hpsearch.analysis.conclusions import Conclusions
from hpsearch.analysis.importance import importance
from hpsearch.execution.side_by_side import map_ahead
from hpsearch.plots import interactive, still
from hpsearch.plots.chart import Picture
from hpsearch.plots.html import listing, page, section, table
from hpsearch.plots.kinds import KINDS, OF_PREDICTIONS, draw
from hpsearch.ports import describe_identity
from hpsearch.search.result import Result
from hpsearch.space import Choice, Domain, Int
from hpsearch.trial import Trial, duration, format_value
from hpsearch.trial.formatting import count, describe_resumed

ROWS = 100
REPORT, TABLE, PICTURES = "report.html", "trials.csv", "plots/"


def files(result: Result, jobs: int = 1) -> dict[str, bytes]:
    """Return the files that are attached to a study's record: the report, the pictures as PNG, the table of all trials.

    Args:
        result: of the study.
        jobs: with two or more, so many workers draw the PNGs meanwhile.
    """
    from hpsearch.tracking.autolog import paused  # loaded late, as every tracker

    with paused():  # some findings are fitted
        pictures = draw_all(result)
    drawn = {kind: picture for kind, picture in pictures.items() if not isinstance(picture, str)}
    stills = map_ahead(still.png, list(drawn.values()), jobs)
    texts = {REPORT: report(result, pictures).encode(), TABLE: trials_csv(result).encode()}
    return texts | {f"{PICTURES}{kind}.png": content for kind, content in zip(drawn, stills, strict=True)}


def draw_all(result: Result) -> dict[str, Picture | str]:
    """Return every kind of picture, or a sentence in its place; one that fails does not affect the others.

    Those of predictions are left out where the objective predicts no rows.
    """
    left_out = OF_PREDICTIONS if result.findings.predict is None else ()
    return {kind: _draw(kind, result) for kind in KINDS if kind not in left_out}


def _draw(kind: str, result: Result) -> Picture | str:
    try:
        return draw(kind, result.findings)
    except Exception as error:
        return f"This picture could not be drawn: {type(error).__name__}: {error}"


def trials_csv(result: Result) -> str:
    """Return the table of all trials as CSV: one line each, a column per param and final metric, floats to the last digit."""
    rows = result.table()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    columns = [name for name in columns if name not in ("seconds", "error")] + ["seconds", "error"]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def report(result: Result, pictures: Mapping[str, Picture | str] | None = None) -> str:
    """Return the report as one page: the result first, then the course, the pictures, the best trials, the facts."""
    conclusions = Conclusions(result.findings)
    pictures = draw_all(result) if pictures is None else pictures
    parts = [
        section("Best setting", _setting(result)),
        section("How sure it is", _said(conclusions, _confidence)),
        section("How it went", _course(result, conclusions)),
        section("What was searched", _question(result)),
        *(_picture(kind, picture) for kind, picture in pictures.items()),
        section("What matters", _parameters(conclusions)),
        section("What the curves say", _said(conclusions, sentences.describe_curves)),
        section("What to do next", _said(conclusions, _next_steps)),
        section("Best trials", _best_trials(result)),
        section("Facts", listing(result.record.facts)),
    ]
    return page(result.study.name, headline(result), result.record.question, "\n".join(parts), interactive.script())


def headline(result: Result) -> str:
    """Return the result in one line."""
    found = sentences.describe_result(Conclusions(result.findings))
    return f"{found} ({count(len(result.trials), 'trial')})"


def _said(conclusions: Conclusions, describe: Callable[[Conclusions], Iterable[str]]) -> str:
    """Return sentences as a list; where they cannot be computed, say so: the rest of the report is still of use."""
    try:
        return _lines("", list(describe(conclusions)))
    except Exception as error:
        return _lines("", [f"This could not be computed: {type(error).__name__}: {error}"])


def _confidence(conclusions: Conclusions) -> Iterable[str]:
    yield from sentences.describe_confidence(conclusions)
    yield from sentences.describe_flattery(conclusions)
    yield from sentences.describe_doubling(conclusions)


def _next_steps(conclusions: Conclusions) -> Iterable[str]:
    yield from sentences.describe_next(conclusions)
    if conclusions.chosen is None:
        yield conclusions.findings.why_nothing
        return
    if not conclusions.edges:
        yield "No range ends where the best settings lie."
    yield from sentences.describe_interactions(conclusions)
    yield from sentences.describe_gain(conclusions)


def _setting(result: Result) -> str:
    chosen = result.findings.setting
    if chosen is None:
        return f"<p>{escape(result.findings.why_nothing)}</p>"
    best = chosen.trials[0]
    numbers = ", ".join(str(trial.number) for trial in chosen.trials)
    value = sentences.describe_value(chosen, result.findings.maximize)
    said = f"The {result.record.measure} is {value}, in trial {best.number}."
    if len(chosen.trials) > 1:
        said = f"The {result.record.measure} is {value}, in trials {numbers}. The rule {result.study.select!r} selected it."
    metrics = dict(best.outcome.metrics) if best.outcome else {}
    scores = (
        f"<h3>Metrics of trial {best.number}</h3>{listing({k: format_value(v) for k, v in metrics.items()})}" if metrics else ""
    )
    unit = result.record.facts.get("budget_unit", "epochs")
    budget = {f"budget ({unit})": str(best.budget)} if best.budget is not None else {}
    params = listing({name: format_value(value) for name, value in best.params.items()} | budget)
    trivial = "".join(f"<p>{escape(line)}</p>" for line in sentences.describe_baseline(Conclusions(result.findings)))
    return f"<p>{escape(said)}</p>{trivial}{params}{scores}"


def _course(result: Result, conclusions: Conclusions) -> str:
    trials = result.trials
    by_status = ", ".join(f"{count} {status}" for status, count in Counter(str(t.status) for t in trials).most_common())
    started = [trial.started for trial in trials]
    took = max((t.started + t.seconds for t in trials), default=0.0) - min(started, default=0.0)
    spent = {
        "Trials": by_status or "none",
        "Stages": ", ".join(f"{count} {name}" for name, count in Counter(t.stage for t in trials).items()),
        "Computing time": f"{duration(sum(trial.seconds for trial in trials))} in trials",
        "Time from the first start to the last end": duration(took),
    }
    spent_budget, unit = sum(trial.budget or 0 for trial in trials), result.record.facts.get("budget_unit", "epochs")
    spent |= {f"{unit.capitalize()} requested": str(spent_budget)} if spent_budget else {}
    failed = _lines("Failures", sentences.list_failures(conclusions)[:50])
    return listing(spent) + failed + _lines("Notes of the strategy", _notes(result))


def _notes(result: Result) -> list[str]:
    """Return the notes of the strategy; for a recorded result, from replaying the strategy."""
    try:
        return list(result.notes) or [window.note for window in result.findings.windows if window.note]
    except Exception as error:
        return [f"The strategy could not be replayed: {type(error).__name__}: {error}"]


def _lines(title: str, lines: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    head = f"<h3>{title}</h3>" if title else ""
    return f"{head}<ul>{items}</ul>" if items else ""


def _question(result: Result) -> str:
    rows = [[name, *_range(domain)] for name, domain in result.study.space.domains.items()]
    described = describe_identity(result.record.identity, result.record.facts)
    identity = {name: text for name, text in described.items() if name != "space"}
    return table(["parameter", "range", "scale", "present"], rows) + listing(identity)


def _range(domain: Domain) -> list[str]:
    when = "; ".join(f"{parent} is {' or '.join(labels)}" for parent, labels in domain.conditions) or "always"
    if isinstance(domain, Choice):
        return [", ".join(domain.labels), "choice", when]
    if domain.is_fixed:
        return [f"{domain.low:g}", "fixed", when]
    usual = 1 if isinstance(domain, Int) else None
    step = f", step {domain.step}" if domain.step != usual else ""
    return [f"{domain.low:g} to {domain.high:g}{step}", "log" if domain.log else "linear", when]


def _parameters(conclusions: Conclusions) -> str:
    """Return a table of the parameters with their share of the variance and their length scale, or why there is none."""
    try:
        shares, model = importance(conclusions.findings), conclusions.model
    except Exception as error:
        return _lines("", [f"This could not be computed: {type(error).__name__}: {error}"])
    if isinstance(shares, str) or isinstance(model, str):
        return _lines("", list(dict.fromkeys(each for each in (shares, model) if isinstance(each, str))))
    lengths = model.length_scales
    rows = [
        [name, f"{100 * share:.0f} %", f"{lengths[name]:.2g}" if name in lengths else ""]
        for name, share in shares.shares.items()
    ]
    return (
        "<p>Share of the variance: how much of the differences between trials a parameter explains by itself (fANOVA). Length "
        "scale: how far apart, as a share of its range, two values of a parameter must lie to act differently, by the model; a "
        "shorter one says that the value changes faster along it, and a strong effect that is a straight line has a long one."
        "</p>" + table(["parameter", "share of the variance", "length scale"], rows)
    )


def _picture(kind: str, picture: Picture | str) -> str:
    if isinstance(picture, str):
        return section(kind.capitalize(), f"<p>{escape(picture)}</p>")
    return section(kind.capitalize(), f"<p>{escape(picture.caption)}</p>{interactive.division(picture, kind)}")


def _best_trials(result: Result) -> str:
    rows = result.findings.finished[:ROWS]
    left = len(result.trials) - len(rows)
    names = [name for name in result.study.space if any(name in trial.params for trial in rows)]
    cells = [_row(result, trial, names) for trial in rows]
    more = f"<p>{left} more trials, including failed ones, are in {TABLE} beside this page.</p>" if left else ""
    heads = ["trial", "stage", result.record.measure, *names, "seconds"]
    return "<p>Click on a column head to sort.</p>" + table(heads, cells, sortable=True) + more + _resumed(result)


def _resumed(result: Result) -> str:
    """Return one sentence on each trial that continued from a checkpoint of its objective."""
    clauses = {t.number: describe_resumed(t.resumed_step, t.attempt, t.continues) for t in result.trials}
    found = [f"Trial {number} {clause}." for number, clause in clauses.items() if clause]
    left = f" And {len(found) - ROWS} more." if len(found) > ROWS else ""
    return f"<p>{escape(' '.join(found[:ROWS]))}{left}</p>" if found else ""


def _row(result: Result, trial: Trial, names: Sequence[str]) -> list[str]:
    params: list[Any] = [trial.params.get(name, "") for name in names]
    return [
        str(trial.number),
        trial.stage,
        format_value(result.findings.value(trial)),
        *map(format_value, params),
        f"{trial.seconds:.1f}",
    ]
