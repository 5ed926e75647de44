"""Errors that users can cause or meet, as one tree of exceptions, and the form of their messages.

    HpsearchError
    |-- InputError (ValueError)        wrong input, raised before the first trial
    |   |-- SpaceError                 a range, a choice, a condition or a point of a space
    |   |-- StudyError                 a study that cannot run, or differs from the recorded one
    |   |-- SettingError               a setting of a network, an objective or a strategy
    |   `-- DataError                  a data set or a network file that is missing, corrupt or of the wrong shape
    |-- TrackingError (RuntimeError)   a store that cannot be opened, read or written
    |   `-- RecordChanged              another process recorded trials of the study between its reading and its start
    |-- VaultError (RuntimeError)      a sealed test part opened where it must stay closed
    |-- Diverged (ArithmeticError)     training produced NaN or infinity; the trial ends, the study continues
    `-- Lagging                        a curve lags behind earlier ones; the trial ends, the study continues

Messages follow one form: ``{what} must be {constraint}, got {value!r}. {what to do}``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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
    return f"{what} must be {constraint}, got {value!r}. {advice}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the closest known name, or an empty string.

    >>> did_you_mean("hiden", ["hidden", "l2"])
    " Did you mean 'hidden'?"
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
