"""Text for values, params, durations and failures, the same in the terminal, the pictures, the report and MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from hpsearch.trial.trial import Status, Trial


def flip_sign(value: float, maximize: bool) -> float:
    """Return a minimised value as the objective returned it: negated where the study maximises. It is its own inverse.

    Values are minimised everywhere. `hpsearch.execution.outcome` negates them on the way in; on the way out nothing else does.

    >>> flip_sign(-0.9, maximize=True), flip_sign(0.1, maximize=False)
    (0.9, 0.1)
    """
    return -value if maximize else value


def format_value(value: Any) -> str:
    """Return a value short enough for a table: floats with four significant digits, and never -0.

    >>> format_value(0.012345678), format_value(10), format_value("relu"), format_value(-0.0)
    ('0.01235', '10', 'relu', '0')
    """
    return f"{value + 0.0:.4g}" if isinstance(value, float) else str(value)


def params_line(params: Mapping[str, Any]) -> str:
    """Return params on one line, ``learning_rate=0.1 l2=5``."""
    return " ".join(f"{name}={format_value(value)}" for name, value in params.items())


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
