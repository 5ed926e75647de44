"""Settings of an earlier study that a search which trains in rungs tries again."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from hpsearch.space import Params, Space
from hpsearch.space.equality import params_key
from hpsearch.trial import GIVEN, Trial


def best_known(space: Space, known: Sequence[Trial], count: int, without: Collection[str] = ()) -> list[Params]:
    """Return the params of the best known trials, all different, at most ``count``.

    Values are comparable at equal budgets alone, so a trial of a larger budget comes first; no budget is a full training. The
    settings that the study itself has tried first are left out: it has their values.

    Args:
        without: parameters in which settings may not differ, since the search sets them itself.
    """
    usable = [trial for trial in known if trial.ok and not trial.is_preflight and trial.stage != GIVEN]
    ordered = sorted(usable, key=lambda trial: (trial.budget is not None, -(trial.budget or 0), trial.value))
    found: dict[object, Params] = {}
    for params in [space.canonical(trial.params) for trial in ordered if space.contains(trial.params)]:
        found.setdefault(params_key({name: params[name] for name in params if name not in without}), params)
    return list(found.values())[:count]
