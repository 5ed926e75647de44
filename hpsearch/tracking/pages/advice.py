"""What to do next with a study: go on, look into failures, widen a range, read curves, write the report, open the test part."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator

from hpsearch.analysis.diagnosis import HEALTHY, of_trial
from hpsearch.analysis.edges import edges
from hpsearch.tracking.pages.page import Page
from hpsearch.tracking.runs import markup
from hpsearch.trial import Status, Trial, rank_candidates


def next_steps(page: Page) -> str:
    """Return the next steps as a list, the most urgent first."""
    steps = [*_go_on(page), *_failures(page), *_edges(page), *_curves(page), *_finish(page)]
    return "### What to do next\n" + "\n".join(f"- {step}" for step in steps) if steps else ""


def _go_on(page: Page) -> Iterator[str]:
    command = f"with {markup.code(shlex.join(['hpsearch', 'run', page.source]))}" if page.source else "by running it again"
    if page.status == "running":
        yield f"Wait. Where the time above stands still, the study was interrupted: go on {command}."
    elif page.status != "finished":
        yield f"Go on where it ended, {command}."


def _failures(page: Page) -> Iterator[str]:
    """Say how many trials failed and why the first one did; failed checks matter where they ended the study."""
    failed = [trial for trial in page.searched if not trial.ok and trial.status is not Status.STOPPED]
    if not page.searched and page.status == "finished":
        failed = [trial for trial in page.trials if trial.error]
    if not failed:
        return
    kinds = ", ".join(f"{count} {markup.plain(kind)}" for kind, count in Counter(_kind(trial) for trial in failed).items())
    why = markup.plain(failed[0].error or "no reason is known", 160).rstrip(".")
    look = _command(page, "rerun", str(failed[0].number))
    gave = f"{len(failed)} of {len(page.trials)} trials gave no value ({kinds})"
    yield f"Look into failures: {gave}. The first, {page.link(failed[0])}: {why}. {look} runs it again."


def _kind(trial: Trial) -> str:
    return "without a finite value" if trial.status is Status.FINISHED else trial.status.value


def _edges(page: Page) -> Iterator[str]:
    if page.chosen is None:
        return
    ranking = [page.chosen, *(c for c in rank_candidates(page.ranking) if c is not page.chosen)]
    for edge in edges(page.record.space, [candidate.params for candidate in ranking]):
        yield edge.advice(f"**{markup.plain(edge.name, 40)}**", markup.brief(edge.value))


def _curves(page: Page) -> Iterator[str]:
    """Say what the curves of the best trial show, where they show a fault."""
    if page.chosen is None:
        return
    trial = page.chosen.trials[0]
    found = of_trial(trial)
    if found is not None and found.label not in (None, HEALTHY):
        yield f"Read the curves of {page.link(trial)}: {markup.plain(str(found), 400)}"


def _finish(page: Page) -> Iterator[str]:
    if page.status != "finished" or page.chosen is None:
        return
    yield f"{_command(page, 'report')} writes the report."
    if page.record.data is not None and any(part.sealed for part in page.record.data.parts) and page.source:
        yield f"{_command(page, 'test')} opens the sealed test part once the choice is final; every opening is counted."


def _command(page: Page, verb: str, *more: str) -> str:
    name = page.record.name
    return markup.code(shlex.join(["hpsearch", verb, *(["--"] if name.startswith("-") else []), name, *more]))
