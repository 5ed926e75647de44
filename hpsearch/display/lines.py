"""Lines on the progress of a study: counts, the incumbent, running trials, failures."""

from __future__ import annotations

from hpsearch.search.progress import Progress, Running
from hpsearch.trial import Trial, duration, flip_sign, format_value, params_line

# How many running trials are shown, and how many values of each.
RUNNING, _VALUES = 8, 4


def counts(progress: Progress) -> str:
    """Return ``12/32 done, 2 running, 1 failed, 40.0 s left``, or what is done after the last trial."""
    left = progress.seconds_left
    parts = [f"{progress.done}/{progress.expected} done"]
    parts += [f"{progress.running} running"] * (not progress.doing)
    parts += [f"{progress.failed} failed"] * bool(progress.failed)
    parts += [f"{duration(left)} left"] if left is not None and progress.running and not progress.doing else []
    parts += [progress.doing] * bool(progress.doing)
    return ", ".join(parts)


def best_line(trial: Trial | None, maximize: bool) -> str:
    """Return ``best 0.0312 (trial 7: learning_rate=0.5)``."""
    if trial is None:
        return "no finished trial yet"
    return f"best {format_value(flip_sign(trial.value, maximize))} (trial {trial.number}: {params_line(trial.params)})"


def failure_line(trial: Trial) -> str:
    """Return ``trial 3 failed: ValueError: no``."""
    return f"trial {trial.number} {trial.status}: {trial.error}"


def running_lines(progress: Progress, most: int = RUNNING) -> list[str]:
    """Return ``trial 3, 12.0 s: step 2, validation_error 0.05`` for every running trial, ``and 4 more`` beyond ``most``."""
    latest = progress.latest
    lines = [_running_line(number, running) for number, running in list(latest.items())[:most]]
    return lines + [f"and {len(latest) - most} more"] * (len(latest) > most)


def _running_line(number: int, running: Running) -> str:
    values = [f"{name} {format_value(value)}" for name, value in list(running.metrics.items())[:_VALUES]]
    said = ", ".join([f"step {running.step}", *values]) if values else "no value yet"
    return f"trial {number}, {duration(running.seconds)}: {said}"
