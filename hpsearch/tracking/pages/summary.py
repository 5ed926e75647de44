"""What came out of a study, in sentences: the result, the best setting, and how sure it is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable

from hpsearch.analysis.lead import Lead, lead
from hpsearch.ports import StudyRecord
from hpsearch.tracking.pages.page import Page
from hpsearch.tracking.runs import markup
from hpsearch.tracking.runs.trial_keys import run_name
from hpsearch.trial import Candidate, Trial, flip_sign, format_value

# MLflow's table shows some 17 characters of a run's name, its page the whole.
NAME_WIDTH = 60
ENDS = {"finished": "finished", "killed": "interrupted", "failed": "ended by an error"}


def title(record: StudyRecord, trials: Iterable[Trial]) -> str:
    """Return the name of a study's run: the result first, so that it stays in sight where MLflow's table cuts the rest."""
    chosen = record.choose(list(trials))
    result = "no result yet" if chosen is None else f"best {format_value(flip_sign(chosen.mean, record.maximize))}"
    text = " ".join(f"{result} | {record.name}".split())
    return text if len(text) <= NAME_WIDTH else text[: NAME_WIDTH - 1] + "…"


def headline(page: Page, name: Callable[[Trial], str] = run_name) -> str:
    """Return the result of a study in one line; ``name`` writes the name of a trial."""
    done = f"{_many(len(page.trials), 'trial')}, {_state(page)}"
    if page.chosen is None:
        failed = page.status != "running" and any(not trial.ok for trial in page.searched)
        return f"{'No trial has finished well' if failed else 'No result yet'} ({done})."
    what = markup.plain(page.record.measure, 60)
    return f"Best {what} {_result(page, page.chosen)} in {name(page.chosen.trials[0])} ({done})."


def _state(page: Page) -> str:
    if page.status in ENDS:
        return ENDS[page.status]
    return time.strftime("running at %Y-%m-%d %H:%M UTC", time.gmtime(page.written))


def _result(page: Page, chosen: Candidate) -> str:
    if len(chosen.trials) < 2:
        return page.value(chosen.mean)
    return f"{spread(page, chosen)} (mean ± standard error over {len(chosen.trials)} seeds)"


def spread(page: Page, candidate: Candidate) -> str:
    """Return ``0.0312 ± 0.0011``, or the value alone where there was one run."""
    error = candidate.standard_error
    return page.value(candidate.mean) + (f" ± {error:.2g}" if math.isfinite(error) else "")


def best_setting(page: Page) -> str:
    """Return the params of the chosen setting in one line."""
    if page.chosen is None:
        return ""
    budget = f", budget {page.chosen.budget} epochs" if page.chosen.budget is not None else ""
    return f"Best setting: {markup.settings(page.chosen.params)}{budget}."


def confidence(page: Page) -> str:
    """Return how sure it is that the chosen setting is the best one tried."""
    chosen = page.chosen
    if chosen is None:
        return ""
    ahead = lead(chosen, page.ranking)
    if ahead is None:
        return "How sure: no other setting to compare with."
    if len(chosen.trials) < 2:
        return _single_runs(page, ahead)
    values = sorted(float(page.value(trial.value)) for trial in chosen.trials)
    ranged = f"How sure: its {len(values)} runs lie between {values[0]:.4g} and {values[-1]:.4g}"
    return f"{ranged}; {_runner_up(page, ahead)}. {_near(ahead)}"


def _single_runs(page: Page, ahead: Lead) -> str:
    level = [c for c in page.ranking if c is not page.ranking[0] and c.mean == page.ranking[0].mean]
    second = f"the second best, {page.link(ahead.runner_up.trials[0])}, is {_behind(ahead.gap)}"
    if ahead.gap == 0:
        second = f"{page.link(ahead.runner_up.trials[0])} is level" + (f", as are {len(level) - 1} more" * (len(level) > 1))
    hint = "; `confirm=3` in the study and the same command run the leaders again, five fresh seeds each" * (not page.noisy)
    return f"How sure: one run per setting, so luck is not told from merit, and {second}{hint}."


def _behind(gap: float, error: float = math.nan) -> str:
    size = f"{abs(gap):.2g}" + (f" ± {error:.2g}" if math.isfinite(error) else "")
    return f"{size} {'behind' if gap >= 0 else 'ahead, and the rule of the study prefers this one'}"


def _runner_up(page: Page, ahead: Lead) -> str:
    second = f"the runner-up, {page.link(ahead.runner_up.trials[0])}, is {_behind(ahead.gap, ahead.error)}"
    if not math.isfinite(ahead.error):
        return second
    chance = abs(ahead.gap) <= 2 * ahead.error
    return f"{second} ({'which may well be chance' if chance else 'more than twice its standard error'})"


def _near(ahead: Lead) -> str:
    return f"Within one standard error of it: {ahead.near} of {_many(ahead.others, 'other setting')}."


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
