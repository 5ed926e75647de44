"""Every error a user can cause or meet, as one tree.

    HpsearchError
    |-- InputError (ValueError)        something typed wrong; refused before the first trial
    |   |-- SpaceError                 a range, a choice, a condition or a point of a space
    |   |-- StudyError                 a study that cannot run, or differs from the recorded one
    |   |-- SettingError               a setting of a network, an objective or a strategy
    |   `-- DataError                  a data set, or a network's file, that is missing, corrupt or of the wrong shape
    |-- TrackingError (RuntimeError)   a store that cannot be opened, read or written
    |-- VaultError (RuntimeError)      a sealed test part that must not be opened here
    |-- Diverged (ArithmeticError)     training produced NaN or infinity; the trial ends, the study goes on
    `-- Lagging                        a curve lags behind earlier ones; the trial ends, the study goes on

Messages follow one form: ``{what} must be {constraint}, got {value!r}. {what to do}``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HpsearchError(Exception):
    """Root of the tree; the command line turns any of these into one sentence and exit code 2."""


class InputError(HpsearchError, ValueError):
    """Something the user wrote cannot be used as it is."""


class SpaceError(InputError):
    """A range, choice, condition or point of a search space is wrong."""


class StudyError(InputError):
    """A study cannot run as it is, or differs from the one recorded under its name."""


class SettingError(InputError):
    """A setting of a network, an objective or a strategy is wrong."""


class DataError(InputError):
    """A data set, or the file of a network, is missing, corrupt, or of the wrong shape."""


class TrackingError(HpsearchError, RuntimeError):
    """A tracking store cannot be opened, read or written."""


class VaultError(HpsearchError, RuntimeError):
    """A sealed test part was asked for where it must stay closed."""


class Diverged(HpsearchError, ArithmeticError):
    """Training left the finite numbers; raised in the mini-batch where it happened."""


class Lagging(HpsearchError):
    """A trial's curve is worse than the study's rule allows; raised where the curve is reported."""


def must_be(what: str, constraint: str, value: object, advice: str) -> str:
    """Return the one sentence form of every error message, and what to do about it.

    >>> must_be("momentum", "in [0, 1)", 1.5, "Try 0.9.")
    'momentum must be in [0, 1), got 1.5. Try 0.9.'
    """
    return f"{what} must be {constraint}, got {value!r}. {advice}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the closest known name, or an empty text.

    >>> did_you_mean("hiden", ["hidden", "l2"])
    " Did you mean 'hidden'?"
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
