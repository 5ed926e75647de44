"""Repeating one recorded trial, and comparing it bit by bit with the record."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from hpsearch.execution.local import Local
from hpsearch.execution.task import own_objects, trial_context
from hpsearch.ports import PruningThresholds
from hpsearch.search.config import StudyConfig
from hpsearch.trial import Curve, Status, Trial, root


@dataclass(frozen=True)
class Rerun:
    """A trial as recorded, the same trial run again, and one phrase per difference (none if they are bit-identical)."""

    recorded: Trial
    again: Trial
    differences: tuple[str, ...]


def rerun(
    study: StudyConfig, recorded: Trial, trials: Sequence[Trial] = (), debug: bool = False, keep_state: bool = False
) -> Rerun:
    """Run a recorded trial again in this process; with ``debug`` an exception of the objective is let through.

    One that ended its process or outgrew its memory gets a worker, unless it is to be debugged: it would do so again.
    ``trials`` are all of the study's: one that went on with an earlier trial is trained anew from that one's seed.
    ``keep_state`` leaves the trained state in the new trial's outcome.
    """
    origin = root(recorded, {trial.number: trial for trial in trials})
    task = study.task(replace(recorded, outcome=None, error=None, traceback=None), origin)
    task = replace(task, keep_state=keep_state)
    if recorded.status is Status.STOPPED and study.early_stop is not None:
        curve = study.early_stop.curve
        task = replace(task, thresholds=PruningThresholds(curve, 1, {_last_step(recorded, curve): -math.inf}))
    harmful = recorded.status in (Status.DIED, Status.OUT_OF_MEMORY)
    from hpsearch.tracking.autolog import paused  # loaded late, as every tracker

    with paused(), Local(1, "loky" if harmful and not debug else "sequential") as executor:
        executor.open(study.adapted)
        if debug:
            objective, own = own_objects(study.adapted, task)
            objective(dict(own.params), trial_context(own))
        again = next(executor.run([task]))
    return Rerun(recorded, again, tuple(_differences(recorded, again, study.adapted.timed)))


def _last_step(trial: Trial, curve: str) -> int:
    """Return where a trial was stopped: it is stopped there again, whatever the earlier trials were."""
    return trial.outcome.history[curve][-1][0] if trial.outcome is not None else 0


def _differences(recorded: Trial, again: Trial, timed: Collection[str]) -> list[str]:
    """Return one phrase per difference, apart from what a clock measured."""
    found = [
        f"{name} was {was!r}, is now {now!r}"
        for name, was, now in [
            ("status", str(recorded.status), str(again.status)),
            ("value", recorded.value, again.value),
            ("error", *((None, None) if recorded.status is Status.STOPPED else (recorded.error, again.error))),
        ]
        if repr(was) != repr(now) and name not in timed
    ]
    if recorded.outcome is None or again.outcome is None:
        return found
    metrics = ({n: m for n, m in o.metrics.items() if n not in timed} for o in (recorded.outcome, again.outcome))
    found += _changed("metric", *metrics)
    return found + _changed("curve", recorded.outcome.history, again.outcome.history)


def _changed(kind: str, was: Mapping[str, float | Curve], now: Mapping[str, float | Curve]) -> list[str]:
    """Compare by repr, which distinguishes any two floats and finds NaN equal to NaN."""
    names = sorted({*was, *now})
    return [f"{kind} {name} differs" for name in names if repr(was.get(name)) != repr(now.get(name))]
