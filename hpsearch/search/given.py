"""Settings that a user wants tried first, and known trials of an earlier study, as a space takes them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hpsearch.space import Params, Space
from hpsearch.space.equality import python_value
from hpsearch.trial import Trial

logger = logging.getLogger(__name__)


def read_params(space: Space, params: Mapping[str, Any]) -> Params:
    """Return params with the space's values for NumPy scalars and for lists (out of JSON).

    What the space contains as it is stays so: it is part of the identity of studies recorded before.
    """
    as_it_is = {name for name, value in params.items() if name in space and space[name].contains(value)}
    return {name: value if name in as_it_is else python_value(value) for name, value in params.items()}


def complete_params(space: Space, first: Sequence[Params], seed: int, key: int) -> list[Params]:
    """Return settings with what they leave out drawn at random, each from its own random numbers.

    Args:
        space: what they are points of.
        first: values for all parameters, or for some.
        seed: of the study.
        key: the first number of the spawn key; the second is the setting's position.
    Raises:
        SpaceError: a parameter is unknown, outside its range, or present although its condition fails.
    """
    seeds = [np.random.SeedSequence(seed, spawn_key=(key, position)) for position in range(len(first))]
    points = [space.complete(params, np.random.default_rng(one)) for params, one in zip(first, seeds, strict=True)]
    for point in points:
        space.check(point)
    return points


def fitting_trials(space: Space, known: Sequence[Trial]) -> list[Trial]:
    """Return the known trials that are points of a space, and say in one line how many are not."""
    trials = [_read_trial(space, trial) for trial in known]
    taken = [trial for trial in trials if space.contains(trial.params)]
    left = [trial for trial in trials if not space.contains(trial.params)]
    lacking = sum(_lacks_parameter(space, trial.params) for trial in left)
    reasons = [f"{lacking} for lack of a parameter"] * bool(lacking)
    reasons += [f"{len(left) - lacking} outside the space"] * (len(left) > lacking)
    if left:
        logger.warning("Known trials left out: %d of %d (%s).", len(left), len(known), ", ".join(reasons))
    return taken


def _read_trial(space: Space, trial: Trial) -> Trial:
    """Return a trial with Python values in its params; the same object where there is nothing to change."""
    params = read_params(space, trial.params)
    return trial if all(params[name] is value for name, value in trial.params.items()) else replace(trial, params=params)


def _lacks_parameter(space: Space, params: Params) -> bool:
    """Return whether params lack a parameter, and are in the space otherwise."""
    inside = all(name in space and space[name].contains(value) for name, value in params.items())
    return inside and any(name not in params and space.active(name, params) for name in space)
