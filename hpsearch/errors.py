"""Errors that users can cause or meet, as one tree of exceptions, and the form of their messages.

    HpsearchError
    |-- InputError (ValueError)        wrong input, raised before the first trial
    |   |-- SpaceError                 a range, a choice, a condition or a point of a space
    |   |-- StudyError                 a study that cannot run, or differs from the recorded one
    |   |-- SettingError               a setting of a network, an objective or a strategy
    |   `-- DataError                  a data set or a network file that is missing, corrupt or of the wrong shape
    |-- TrackingError (RuntimeError)   a store that cannot be opened, read or written
    |   `-- RecordChanged              another process recorded trials of the study between its reading and its start
    |-- ExecutorError (RuntimeError)   the workers of a study were lost while it ran; the same command resumes it
    |-- VaultError (RuntimeError)      a sealed test part opened where it must stay closed
    |-- Diverged (ArithmeticError)     training produced NaN or infinity; the trial ends, the study continues
    `-- Lagging                        a curve lags behind earlier ones; the trial ends, the study continues

Messages follow one form: ``{what} must be {constraint}, got {value!r}. {what to do}``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping


class HpsearchError(Exception):
    """Base class of all errors; the command line prints it as one sentence and exits with code 2."""


class InputError(HpsearchError, ValueError):
    """User input that cannot be used."""


class SpaceError(InputError):
    """A wrong range, choice, condition or point of a search space."""


class StudyError(InputError):
    """A study that cannot run, or differs from the one recorded under its name."""


class SettingError(InputError):
    """A wrong setting of a network, an objective or a strategy."""


class DataError(InputError):
    """A data set or a network file that is missing, corrupt or of the wrong shape."""


class TrackingError(HpsearchError, RuntimeError):
    """A tracking store that cannot be opened, read or written."""


class RecordChanged(TrackingError):
    """Another process recorded trials of the study after it was read and before it was started; read it again."""


class ExecutorError(HpsearchError, RuntimeError):
    """An executor that was lost while a study ran; what was finished is recorded."""


class VaultError(HpsearchError, RuntimeError):
    """A sealed test part opened where it must stay closed."""


class Diverged(HpsearchError, ArithmeticError):
    """Training produced NaN or infinity; raised in the mini-batch where it happened."""


class Lagging(HpsearchError):
    """A trial's curve is worse than the study's early-stopping rule allows; raised where the curve is reported."""


def must_be(what: str, constraint: str, value: object, advice: str) -> str:
    """Return an error message in the common form: constraint, value, and what to do.

    >>> must_be("momentum", "in [0, 1)", 1.5, "Try 0.9.")
    'momentum must be in [0, 1), got 1.5. Try 0.9.'
    """
    return f"{what} must be {constraint}, got {brief(value)}. {advice}"


# Characters of one value in a sentence, and entries of a container.
_LONGEST, _MOST = 300, 20


def brief(value: object) -> str:
    """Return the repr of a value as far as a sentence can hold it: the shape of arrays and tables, the start of long texts.

    >>> brief(1.5), brief("x" * 1000)[-20:]
    ('1.5', "x... (1000 signs)'")
    """
    # Before any repr: that of a large container takes long.
    if type(value) in (list, tuple, set, frozenset, dict):
        return _brief_container(value)
    if isinstance(value, (str, bytes)) and len(value) > _LONGEST:
        start, mark = repr(value[: _LONGEST - 50])[:-1], repr(value[:1])[-1]
        return f"{start}... ({len(value)} signs){mark}"
    shown = _repr(value)
    if "\n" not in shown and len(shown) <= _LONGEST:
        return shown
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"{type(value).__name__} of shape {shape}"
    line = " ".join(shown.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # the value of a user's own class
        return f"{type(value).__name__} (no text: its repr() raised {type(error).__name__})"


def _brief_container(value: object) -> str:
    """Return a list, tuple, set or dict with its entries in their brief form, the first few of many."""
    assert isinstance(value, (list, tuple, set, frozenset, dict))
    if not value and not isinstance(value, dict):
        return repr(value)
    first = [entry for entry, _ in zip(value.items() if isinstance(value, Mapping) else value, range(_MOST), strict=False)]
    if isinstance(value, Mapping):
        parts = [f"{brief(key)}: {brief(item)}" for key, item in first]
    else:
        parts = [brief(item) for item in first]
    cut, room = len(parts), _LONGEST
    for index, part in enumerate(parts):
        room -= len(part) + 2
        if room < 0 and index:
            cut = index
            break
    parts = parts[:cut] + ([f"... ({len(value)} in all)"] if cut < len(value) else [])
    opened, closed = {list: "[]", tuple: "()", set: "{}", frozenset: ("frozenset({", "})"), dict: "{}"}[type(value)]
    comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
    return f"{opened}{', '.join(parts)}{comma}{closed}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the closest known name, or an empty string.

    >>> did_you_mean("hiden", ["hidden", "l2"])
    " Did you mean 'hidden'?"
    """
    if not isinstance(name, str):
        return ""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1) or [one for one in names if one.lower() == name.lower()]
    return f" Did you mean {close[0]!r}?" if close else ""
