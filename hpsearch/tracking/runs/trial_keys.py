"""The names under which an MLflow run holds a trial: run name, params, metrics, artifacts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import PurePath, PurePosixPath
from typing import Any

from hpsearch.space import Space
from hpsearch.tracking.store import names
from hpsearch.trial import Trial

RESULT, CURVE = "result/", "curve/"
SECONDS = RESULT + "seconds"
RESERVED = ("value", SECONDS)
TRACEBACK = "traceback.txt"
# The tag on the run of the best trial, moved from run to run as the study proceeds.
BEST = "hpsearch.best"
# The tag that says when a trial started, in milliseconds since 1970, where its run began at another time.
STARTED = "hpsearch.started"
# The tag that lists the params which are derived from others.
DERIVED = "hpsearch.derived"


def run_name(trial: Trial) -> str:
    """Return the name of a trial's run."""
    return numbered_name(trial.number)


def numbered_name(number: int) -> str:
    """Return the run name of a trial number; zero-padded, so that names sort as numbers do."""
    return f"trial {number:03d}"


def metric_keys(history: Iterable[str], metrics: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the MLflow keys of curves and of final metrics; reading derives the same ones from the names."""
    curves, results = _metric_keys(tuple(history), tuple(metrics))
    return dict(curves), dict(results)


@lru_cache(maxsize=1000)  # the trials of a study have the same names
def _metric_keys(history: Sequence[str], metrics: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    # The UI makes a section of what stands before a slash: the curves come first, the final numbers below them.
    taken = set(RESERVED)
    return _prefixed(CURVE, list(history), taken), _prefixed(RESULT, list(metrics), taken)


def _prefixed(prefix: str, wanted: list[str], taken: set[str]) -> dict[str, str]:
    chosen = names.keys([prefix + name for name in wanted], taken, prefix)
    return {name: chosen[prefix + name] for name in wanted}


def outcome_keys(trials: Iterable[Trial]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the MLflow keys of every curve and every final metric that some of the trials have, by name."""
    outcomes = [trial.outcome for trial in trials if trial.outcome is not None]
    history = dict.fromkeys(name for outcome in outcomes for name in outcome.history)
    metrics = dict.fromkeys(name for outcome in outcomes for name in outcome.metrics)
    return metric_keys(history, metrics)


def param_keys(parameters: Iterable[str]) -> dict[str, str]:
    """Return the MLflow keys of parameters, by name."""
    return dict(_param_keys(tuple(parameters)))


@lru_cache(maxsize=1000)
def _param_keys(parameters: Sequence[str]) -> dict[str, str]:
    return names.keys(parameters, set(), "param.")


def axes(space: Space) -> dict[str, str]:
    """Return the key of the derived param, the logarithm, of each parameter with a log scale.

    The UI's charts have linear axes only, on which a range of several decades is unreadable.
    """
    wanted = {name: f"log10 {name}" for name, domain in space.domains.items() if domain.is_log}
    taken = set(param_keys(space).values())
    chosen = names.keys(wanted.values(), taken, "derived.")
    return {name: chosen[text] for name, text in wanted.items()}


def file_paths(artifacts: Mapping[str, Any] | list[str]) -> dict[str, str]:
    """Return the path of each artifact under its run: its own name unless that would leave the folder."""
    paths = names.keys(artifacts, {TRACEBACK}, "file.")
    folders = {str(folder) for path in paths.values() for folder in PurePosixPath(path).parents}
    # No file can have the name of a folder that holds another one.
    paths = {name: f"{path}-{names.digest(path)}" if path in folders else path for name, path in paths.items()}
    # A changed name keeps its extension, by which the UI chooses how to show it.
    return {name: path if path.endswith(name) else path + _extension(name) for name, path in paths.items()}


def _extension(name: str) -> str:
    return re.sub(r"[^.\w]", "", PurePath(name).suffix)
