"""HTML report of a study: one self-contained page without network access, the pictures, and the table of all trials."""

from __future__ import annotations

import csv
import io
import platform
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from hpsearch.analysis import sentences
from hpsearch.analysis.conclusions import Conclusions
from hpsearch.analysis.findings import Findings
from hpsearch.analysis.importance import importance, most_important
from hpsearch.execution.side_by_side import map_ahead
from hpsearch.plots import inline, still
from hpsearch.plots.chart import Picture
from hpsearch.plots.html import contents, listing, page, section, table
from hpsearch.plots.kinds import KINDS, OF_NETWORKS, OF_PREDICTIONS, WHERE_RECORDED, draw
from hpsearch.ports import describe_identity
from hpsearch.search.result import Result
from hpsearch.space import Choice, Domain, Int
from hpsearch.trial import Trial, duration, exact_params, format_value
from hpsearch.trial.formatting import count, describe_marks

ROWS = 100
# Columns of parameters in the table of the best trials, and rows of the table of what matters.
NAMES, SHARES = 20, 30
REPORT, TABLE, PICTURES = "report.html", "trials.csv", "plots/"


def files(result: Result, jobs: int = 1) -> dict[str, bytes]:
    """Return the files that are attached to a study's record: the report, the pictures as PNG, the table of all trials.

    Args:
        result: of the study.
        jobs: with two or more, so many workers draw the pictures, while this process finds the words.
    """
    from hpsearch.tracking.autolog import paused  # loaded late, as every tracker

    with paused():  # some findings are fitted
        pictures = draw_all(result)
    named = [(kind, picture) for kind, picture in pictures.items() if not isinstance(picture, str)]
    drawings = map_ahead(_draw_twice, named, jobs)
    words = _Words.of(result)
    drawn = {kind: both for (kind, _), both in zip(named, drawings, strict=True)}
    page = words.page(result, pictures, {kind: svg for kind, (_, svg) in drawn.items()})
    texts = {REPORT: page.encode(), TABLE: trials_csv(result).encode()}
    return texts | {f"{PICTURES}{kind}.png": png for kind, (png, _) in drawn.items()}


def _draw_twice(named: tuple[str, Picture]) -> tuple[bytes, str]:
    """Return a picture of a kind as PNG, for MLflow's pages, and as SVG, for the report."""
    kind, picture = named
    return still.png(picture), inline.svg(picture, kind)


def draw_all(result: Result) -> dict[str, Picture | str]:
    """Return every kind of picture, or a sentence in its place; one that fails does not affect the others.

    Those of predictions are left out where the objective predicts no rows, and those of networks always.
    """
    left_out = OF_NETWORKS + (OF_PREDICTIONS if result.findings.predict is None else ())
    drawn = {kind: _draw(kind, result) for kind in KINDS if kind not in left_out}
    return {kind: picture for kind, picture in drawn.items() if kind not in WHERE_RECORDED or not isinstance(picture, str)}


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
    pictures = draw_all(result) if pictures is None else pictures
    drawn = {kind: inline.svg(picture, kind) for kind, picture in pictures.items() if not isinstance(picture, str)}
    return _Words.of(result).page(result, pictures, drawn)


@dataclass(frozen=True)
class _Words:
    """The sections of a report before and after its pictures, by title."""

    before: Mapping[str, str]
    after: Mapping[str, str]

    @classmethod
    def of(cls, result: Result) -> _Words:
        """Return what there is to say about a result."""
        conclusions = Conclusions(result.findings)
        before = {
            "Best setting": _setting(result),
            "How sure it is": _said(conclusions, _confidence),
            "How it went": _course(result, conclusions),
            "What was searched": _question(result),
        }
        after = {
            "What matters": _parameters(conclusions),
            "What the curves say": _said(conclusions, sentences.describe_curves),
            "What to do next": _said(conclusions, _next_steps),
            "Best trials": _best_trials(result),
            "Facts": listing(result.record.facts),
        }
        return cls(before, after)

    def page(self, result: Result, pictures: Mapping[str, Picture | str], drawn: Mapping[str, str]) -> str:
        """Return the whole page; ``drawn`` are the pictures as SVG, and ``pictures`` say why others are missing."""
        shown = {kind.capitalize(): _picture(p, drawn[kind]) for kind, p in pictures.items() if not isinstance(p, str)}
        parts = {**self.before, **shown, "Not drawn": _not_drawn(pictures), **self.after}
        written = {title: body for title, body in parts.items() if body}
        sections = [section(title, body, together=title in shown) for title, body in written.items()]
        body = "\n".join([_about(result), contents(list(written)), *sections])
        return page(result.study.name, headline(result), result.record.question, body, inline.style())


def _about(result: Result) -> str:
    """Return when and where the study ran, where the page was written, and the way to MLflow."""
    facts = result.record.facts
    machine = ", ".join(facts[name] for name in ("system", "machine", "cpu") if facts.get(name))
    where = f"on {machine}, {facts['cores']} cores" if machine and facts.get("cores") else f"on {machine}" if machine else ""
    said = [_when(result.trials), where, f"page written on {platform.node()}" if platform.node() else ""]
    address = _link(result)
    link = f' <a href="{escape(address)}">See it in MLflow</a> while <code>hpsearch ui</code> runs.' if address else ""
    about = f'<p class="about">{escape("; ".join(each for each in said if each))}.{link}</p>'
    again = f"hpsearch plot {shlex.quote(result.study.name)} KIND --out KIND.html"
    hint = f"Point at a mark to read its trial. For a picture to zoom: <code>{escape(again)}</code>"
    return f'{about}<p class="about hint">{hint}</p>'


def _when(trials: Sequence[Trial]) -> str:
    """Return from when to when trials ran, in UTC: the page is read anywhere."""
    if not trials:
        return ""
    ends = min(t.started for t in trials), max(t.started + t.seconds for t in trials)
    first, last = (datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%d %H:%M") for end in ends)
    return f"Run on {first} UTC" if first == last else f"Run from {first} to {last.removeprefix(first[:11])} UTC"


def _link(result: Result) -> str:
    try:
        return result.tracker.link()
    except Exception:  # of whatever kind: the page is of use without
        return ""


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
    exact = f"<pre>{escape(exact_params(best.number, best.params))}</pre>"
    return f"<p>{escape(said)}</p>{trivial}{params}{exact}{scores}"


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
        for name, share in list(shares.shares.items())[:SHARES]
    ]
    return (
        "<p>Share of the variance: how much of the differences between trials a parameter explains by itself (fANOVA). Length "
        "scale: how far apart, as a share of its range, two values of a parameter must lie to act differently, by the model; a "
        "shorter one says that the value changes faster along it, and a strong effect that is a straight line has a long one."
        "</p>" + table(["parameter", "share of the variance", "length scale"], rows)
    )


def _picture(picture: Picture, svg: str) -> str:
    return f'<p>{escape(picture.caption)}</p><div class="figure">{svg}</div>'


def _not_drawn(pictures: Mapping[str, Picture | str]) -> str:
    return _lines("", [f"{kind.capitalize()}: {picture}" for kind, picture in pictures.items() if isinstance(picture, str)])


def _best_trials(result: Result) -> str:
    rows = _rows(result.findings)
    left = len(result.trials) - len(rows)
    present = [name for name in result.study.space if any(name in trial.params for trial in rows)]
    leading = most_important(result.findings, NAMES)
    names = [name for name in present if name in leading]
    cells = [_row(result, trial, names) for trial in rows]
    unlisted = len(present) - len(names)
    others = f"<p>{unlisted} less important parameters are in {TABLE} too.</p>" if unlisted else ""
    more = f"<p>{left} more trials, including failed ones, are in {TABLE} beside this page.</p>" if left else ""
    heads = ["trial", "stage", result.record.measure, *names, "seconds"]
    return (
        '<p class="hint">Click on a column head to sort.</p>'
        + table(heads, cells, sortable=True)
        + more
        + others
        + _marked(result)
    )


def _rows(findings: Findings) -> list[Trial]:
    """Return the trial that the study's rule selects, the star of the plots, and then the others, the best first."""
    chosen = [] if findings.chosen is None else [findings.chosen]
    return [*chosen, *(trial for trial in findings.finished if trial not in chosen)][:ROWS]


def _marked(result: Result) -> str:
    """Return one sentence on each trial that may have other bits than when it is run again."""
    clauses = {t.number: describe_marks(t.resumed_step, t.attempt, t.continues, t.machine) for t in result.trials}
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
