"""How values, params, durations and failures are put into words, alike in the terminal, the pictures and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from hpsearch.trial.trial import Status, Trial


def shown(value: Any) -> str:
    """Return a value short enough for a table: four significant digits.

    >>> shown(0.012345678), shown(10), shown("relu")
    ('0.01235', '10', 'relu')
    """
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "study"), count(2, "study"), count(0, "trial")
    ('1 study', '2 studies', '0 trials')
    """
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"


def params_line(params: Mapping[str, Any]) -> str:
    """Return params on one line, ``learning_rate=0.1 l2=5``."""
    return " ".join(f"{name}={shown(value)}" for name, value in params.items())


def duration(seconds: float) -> str:
    """Return seconds as a person says them.

    >>> duration(4.25), duration(75), duration(3700)
    ('4.2 s', '1 min 15 s', '1 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(timedelta(seconds=seconds).total_seconds())
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"


def failures(trials: Sequence[Trial]) -> list[str]:
    """Return one line per kind of failure, with how often it happened and the first trial it happened to."""
    kinds: dict[tuple[str, str], list[int]] = {}
    for trial in trials:
        if not trial.ok:
            why = "its curve lagged" if trial.status is Status.STOPPED else trial.error or ""
            kinds.setdefault((str(trial.status), why), []).append(trial.number)
    return [f"{len(n)} {status} (first: trial {n[0]}): {error}" for (status, error), n in kinds.items()]
