"""hpsearch: hyperparameter search with the same trials at any number of workers, every one of them in MLflow.

    Space, Float, Int, Choice     what is searched
    Study, Result                 a question, and its result
    Auto                          a strategy that is picked by objective, space and budget
    Stop, MedianStop              when a study, or one of its trials, ends early
    Outcome, Trial, Status        what one trial returned
    Proposal, Batch, Context      what a strategy or an objective of your own needs
    data, main                    data sets; the command line for a study's own file
    compare                       strategies or studies side by side, on paired seeds

Importing this loads none of mlflow, optuna, scikit-learn, numba.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import TYPE_CHECKING, Any

from hpsearch import data as data
from hpsearch.errors import HpsearchError
from hpsearch.ports import Batch, Context, Proposal
from hpsearch.search.auto import Auto
from hpsearch.search.result import Result
from hpsearch.search.stopping import MedianStop, Stop
from hpsearch.space import Choice, Float, Int, Space
from hpsearch.study import Study
from hpsearch.trial import Outcome, Status, Trial

if TYPE_CHECKING:
    from hpsearch.cli.application import main
    from hpsearch.comparison.comparison import compare

__all__ = [
    "Auto",
    "Batch",
    "Choice",
    "Context",
    "Float",
    "HpsearchError",
    "Int",
    "MedianStop",
    "Outcome",
    "Proposal",
    "Result",
    "Space",
    "Status",
    "Stop",
    "Study",
    "Trial",
    "compare",
    "data",
    "main",
]


# Packages whose public names are found here too, such as ``hpsearch.Random``; each is imported when one is asked for.
_PACKAGES = ("strategies", "objectives")


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted([*__all__, "__version__"])


def __getattr__(name: str) -> Any:
    """Import what a study file asks for only then: the study itself must not depend on the command line."""
    if name == "__version__":
        return importlib.metadata.version("hpsearch")
    if name == "main":
        from hpsearch.cli.application import main

        return main
    if name == "compare":
        from hpsearch.comparison.comparison import compare

        return compare
    for package in () if name.startswith("_") else _PACKAGES:
        module = importlib.import_module(f"hpsearch.{package}")
        if name in module.__all__:
            return getattr(module, name)
    raise AttributeError(f"module 'hpsearch' has no attribute {name!r}")
