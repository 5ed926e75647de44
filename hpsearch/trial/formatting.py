"""Text for values, params and durations, the same in the terminal, the pictures, the report and MLflow."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from hpsearch.trial.selection import Candidate


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


def format_spread(candidate: Candidate, maximize: bool) -> str:
    """Return the value of a setting: ``0.0312 ± 0.0011``, mean and standard error, or the value alone for a single run."""
    error = f" ± {candidate.standard_error:.2g}" if math.isfinite(candidate.standard_error) else ""
    return format_value(flip_sign(candidate.mean, maximize)) + error


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "study"), count(2, "study"), count(0, "trial")
    ('1 study', '2 studies', '0 trials')
    """
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"


def number_ranges(numbers: Iterable[int]) -> str:
    """Return whole numbers in few words.

    >>> number_ranges([0, 1, 2, 5, 7, 8])
    '0-2, 5, 7-8'
    """
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)


def params_line(params: Mapping[str, Any]) -> str:
    """Return params on one line, ``learning_rate=0.1 l2=5``."""
    return " ".join(f"{name}={format_value(value)}" for name, value in params.items())


def exact_params(number: int, params: Mapping[str, Any]) -> str:
    """Return the params of a trial to copy from, to the last digit.

    >>> exact_params(12, {"learning_rate": 0.1 + 0.2, "units": 30})
    "Exact params of trial 12: {'learning_rate': 0.30000000000000004, 'units': 30}"
    """
    return f"Exact params of trial {number}: {dict(params)!r}"


def duration(seconds: float) -> str:
    """Return seconds as text for people.

    >>> duration(4.25), duration(75), duration(3700)
    ('4.2 s', '1 min 15 s', '1 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(timedelta(seconds=seconds).total_seconds())
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"


def describe_marks(resumed_step: int | None, attempt: int, continues: int | None = None, machine: str | None = None) -> str:
    """Return why a trial may have other bits than when it is run again; an empty text where it has the same.

    >>> describe_marks(40, 2), describe_marks(9, 1, continues=3), describe_marks(None, 1)
    ('went on from step 40 in attempt 2', 'went on from step 9 of trial 3', '')
    >>> describe_marks(None, 1, machine="numpy 2.3 instead of 2.4")
    'ran on another kind of machine (numpy 2.3 instead of 2.4)'
    """
    clauses = []
    if resumed_step is not None:
        where = f" of trial {continues}" if attempt == 1 and continues is not None else f" in attempt {attempt}"
        clauses.append(f"went on from step {resumed_step}{where}")
    if machine:
        clauses.append(f"ran on another kind of machine ({machine})")
    return " and ".join(clauses)
