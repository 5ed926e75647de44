"""HTML of the home page; whatever a study is called, it is shown as text."""

from __future__ import annotations

import base64
import hashlib
import math
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from hpsearch.tracking.home.overview import REPORT, RUNNING, STUDIES, Overview, RunningTrial
from hpsearch.tracking.pages import links
from hpsearch.tracking.store.server import PATH
from hpsearch.trial import format_value
from hpsearch.trial.formatting import count

_HERE = Path(__file__).parent
STYLE, SCRIPT = ((_HERE / name).read_text(encoding="utf-8") for name in ("home.css", "home.js"))
# Width and height of a sparkline, and the space around it.
_WIDTH, _HEIGHT, _EDGE = 240.0, 48.0, 3.0
# How many params and values of a running trial are shown.
_SHOWN = 6


def _digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


# A browser runs and applies nothing on this page but its own script and style, and asks nobody but its own server.
POLICY = (
    f"default-src 'none'; script-src {_digest(SCRIPT)}; style-src {_digest(STYLE)}; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)


def render(studies: Sequence[Overview], place: str, base: str = ".", live: bool = False) -> str:
    """Return the whole page.

    Args:
        studies: in the order shown.
        place: what the store is called.
        base: the address of MLflow's pages.
        live: whether the page fetches itself again every few seconds.
    """
    running = sum(study.state == RUNNING for study in studies)
    number = f"{'the latest ' * (len(studies) == STUDIES)}{count(len(studies), 'study')}"
    title = f"{number}, {running} running" if running else number
    body = "\n".join(_study(study, base, live) for study in studies)
    empty = '<p class="empty">No study is recorded here yet. Run one: <code>hpsearch run FILE</code></p>'
    written = "" if live else f'<p class="note">Written {_moment(time.time())}. It does not refresh itself.</p>'
    return f"""<!DOCTYPE html>
<html lang="en"{' data-live="3"' if live else ""}><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer"><meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">
<title>hpsearch: {title}</title><style>{STYLE}</style></head><body>
<header><h1>hpsearch</h1><p>{escape(place)}</p>
<nav><a href="{escape(links.home(base))}?workflowType=machine_learning" data-mlflow>All experiments in MLflow</a></nav></header>
<main><p class="note" role="status">{title}</p>{written}
{body or empty}
</main><p id="lost" hidden>The server does not answer; this page shows what was there before.</p>
<script>{SCRIPT}</script></body></html>
"""


def _study(study: Overview, base: str, live: bool) -> str:
    table = links.link(study.experiment, study.run_id, study.maximize, base)
    name, question = escape(study.name), escape(study.question)
    return f"""<article class="{study.state}"><div class="what">
<h2><a href="{escape(table)}" data-mlflow>{name}</a> <span class="state">{study.state}</span></h2>
<p class="question">{question}</p><p class="who">{_who(study)}</p>
<p class="links">{_links(study, table, base, live)}</p></div>
<div class="best">{_best(study)}</div><div class="curve">{_sparkline(study)}</div>
<div class="done">{_progress(study)}</div>{_trials(study, base)}</article>"""


def _links(study: Overview, table: str, base: str, live: bool) -> str:
    found = {"Table": table, "Charts": f"{table}&compareRunsMode=CHART"}
    if study.reported:
        found["Report"] = _report_link(study, base, live)
    return " ".join(f'<a href="{escape(address)}" data-mlflow>{text}</a>' for text, address in found.items())


def _report_link(study: Overview, base: str, live: bool) -> str:
    """Return the address of a study's report: the whole page where this one is served, else MLflow's view of it."""
    run = quote(study.run_id)
    if live:
        return f"{base}{PATH}/report/{run}"
    return f"{base.rstrip('/')}/{links.file_link(study.experiment.experiment_id, run, REPORT)}"


def _who(study: Overview) -> str:
    user, host = study.user and f" by {study.user}", study.host and f" on {study.host}"
    return f"Started {_moment(study.started)}{escape(user + host)}"


def _moment(seconds: float) -> str:
    """Return a time that the page shows in the reader's own time zone, and without a script in this machine's."""
    moment = time.localtime(seconds)
    return f'<time datetime="{seconds:.0f}">{time.strftime("%Y-%m-%d %H:%M", moment)}</time>'


def _best(study: Overview) -> str:
    if study.best is None:
        return '<b>–</b><span class="note">no value yet</span>'
    largest = "largest" if study.maximize else "lowest"
    return f'<b>{escape(format_value(study.best))}</b><span class="note">{largest} {escape(study.measure)}</span>'


def _progress(study: Overview) -> str:
    failed = f', <span class="bad">{study.failed} failed</span>' if study.failed else ""
    if study.total is None:
        return f"<span>{count(study.done, 'trial')}{failed}</span>"
    bar = f'<progress value="{study.done}" max="{max(study.total, 1)}"></progress>'
    return f"{bar}<span>{study.done} of {count(study.total, 'trial')}{failed}</span>"


def _sparkline(study: Overview) -> str:
    """Return the best value so far over the trials done as a line of steps."""
    points = _finite(study.curve)
    if len(points) < 2:
        return ""
    first, last = points[0], points[-1]
    said = f"Best so far: {format_value(first[1])} after {count(first[0], 'trial')}, {format_value(last[1])} after {last[0]}"
    places = _places(points)
    return _svg(said, f"M{places[0][0]:.1f} {places[0][1]:.1f}" + "".join(f"H{x:.1f}V{y:.1f}" for x, y in places[1:]))


def _trial_curve(trial: RunningTrial) -> str:
    """Return the curve of a running trial as a line from point to point."""
    points = _finite(trial.curve)
    if len(points) < 2:
        return ""
    said = f"{len(points)} points, from {format_value(points[0][1])} to {format_value(points[-1][1])}"
    return _svg(said, "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in _places(points)))


def _finite(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    return [(step, value) for step, value in points if math.isfinite(value)]


def _places(points: Sequence[tuple[int, float]]) -> list[tuple[float, float]]:
    """Return where points are in the box of a picture, the lowest value at the bottom."""
    first, last = points[0][0], points[-1][0]
    low, high = min(value for _, value in points), max(value for _, value in points)
    across, up = (_WIDTH - 2 * _EDGE) / max(last - first, 1), (_HEIGHT - 2 * _EDGE) / ((high - low) or 1.0)
    return [(_EDGE + across * (step - first), _HEIGHT - _EDGE - up * (value - low)) for step, value in points]


def _svg(said: str, path: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" preserveAspectRatio="none"><title>{escape(said)}</title>'
        f'<path d="{path}" vector-effect="non-scaling-stroke"/></svg>'
    )


def _trials(study: Overview, base: str) -> str:
    rows = "".join(_trial(trial, study, base) for trial in study.trials)
    return f'<ul class="trials" aria-label="Running trials">{rows}</ul>' if rows else ""


def _trial(trial: RunningTrial, study: Overview, base: str) -> str:
    address = f"{base.rstrip('/')}/{links.run_link(study.experiment.experiment_id, trial.run_id)}"
    values = ", ".join(f"{_short(key)} {format_value(value)}" for key, value in list(trial.values.items())[:_SHOWN])
    params = ", ".join(f"{key}={text}" for key, text in list(trial.params.items())[:_SHOWN])
    return (
        f'<li><a href="{escape(address)}" data-mlflow>{escape(trial.name)}</a>{_trial_curve(trial)} '
        f'<b>{escape(values) or "no value yet"}</b> <span class="note">{escape(params)}</span></li>'
    )


def _short(key: str) -> str:
    """Return the name of a metric without the section that MLflow's pages file it under."""
    return key.removeprefix("curve/").removeprefix("result/")
