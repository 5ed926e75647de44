"""Fitted estimators in files of skops, which hold no pickles: what can be stored, which types to trust, writing."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.errors import StudyError, must_be

SUFFIX = ".skops"
# Of these libraries skops has looked at the public types; their inner ones are part of estimators that were fitted here.
_LIBRARIES = ("sklearn", "numpy", "scipy", "hpsearch")
# The modules of a script, and of a study's file that the command line loads.
_OF_A_SCRIPT = ("__main__.", "hpsearch_file_")


def types_to_trust(estimator: Any, example: Any, trusted: Collection[str] = ()) -> list[str]:
    """Return the types that skops must be told to trust when it loads an estimator; it is stored and loaded once to see.

    Args:
        estimator: fitted.
        example: rows, for which the loaded estimator must predict the same.
        trusted: the types that the user trusts, beside those of scikit-learn, NumPy and SciPy.
    Raises:
        StudyError: skops cannot store it, cannot load it, or knows some of its types as little as the user does.
    """
    import skops.io

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            content = skops.io.dumps(estimator)
            found = sorted(skops.io.get_untrusted_types(data=content))
        except Exception as error:
            raise StudyError(_cannot(estimator, error)) from error
        known = tuple(name for name in found if name.partition(".")[0] in _LIBRARIES)
        unknown = [name for name in found if name not in known and name not in trusted]
        if unknown:
            raise StudyError(_untrusted(estimator, unknown))
        try:
            again = skops.io.loads(content, trusted=found)
            same = np.array_equal(again.predict(example), estimator.predict(example))
        except Exception as error:
            raise StudyError(_cannot(estimator, error)) from error
    if not same:
        raise StudyError(_cannot(estimator, ValueError("the estimator that was read back predicts otherwise")))
    return found


def write(estimator: Any, path: Path) -> None:
    """Write an estimator to a file."""
    import skops.io

    path.write_bytes(skops.io.dumps(estimator))


def _untrusted(estimator: Any, unknown: Collection[str]) -> str:
    what, constraint = f"The types within {type(estimator).__name__}", "known to skops, or trusted"
    options = " ".join(f"--trust {name}" for name in unknown)
    advice = f"If you trust them: hpsearch export NAME best.skops {options}, or result.log_model(trusted={list(unknown)!r})."
    if any(name.startswith(_OF_A_SCRIPT) for name in unknown):
        advice += " A class of a script loads only where that script does: put it into a module of its own."
    if any("<" in name for name in unknown):
        advice = "Write the function at the top of a module instead of a lambda: skops stores functions by their names."
    return must_be(what, constraint, ", ".join(unknown), advice)


def _cannot(estimator: Any, error: Exception) -> str:
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    advice = "Write functions and classes of your own at the top of a module that can be imported."
    return must_be(f"{type(estimator).__name__}", "an estimator that skops can store and load again", reason, advice)
