"""Significance test of the options of a choice: which are worse than the best one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

from hpsearch.space import Choice, Space
from hpsearch.trial import Trial

# Fewer trials of an option are no evidence about it.
FEWEST = 4
LEVEL = 0.05


def worse_options(space: Space, name: str, trials: Sequence[Trial]) -> dict[str, float]:
    """Return the options (by label) of a choice that are worse than its best one, each with its p-value.

    The best option is that of the lowest median value; every other one is compared with it by a one-sided Mann-Whitney test,
    at 5 % shared among them (Bonferroni). A failed trial counts as worse than every finished one. Options tried fewer than
    four times are left out. The trials must be independent draws: where a search has adapted to one
    option, its trials are no evidence about the others.

    Known values: four trials against four, all worse, have p = 1/70 = .014; three against three could reach only .05.
    Source: Mann and Whitney (1947), Annals of Mathematical Statistics 18; `scipy.stats.mannwhitneyu`.
    """
    groups = {label: values for label, values in _by_option(space, name, trials).items() if len(values) >= FEWEST}
    if len(groups) < 2 or not any(math.isfinite(value) for values in groups.values() for value in values):
        return {}
    leader = min(groups, key=lambda label: median(groups[label]))
    tests = {label: _p_value(values, groups[leader]) for label, values in groups.items() if label != leader}
    return {label: p for label, p in tests.items() if p < LEVEL / len(tests)}


def _by_option(space: Space, name: str, trials: Sequence[Trial]) -> Mapping[str, list[float]]:
    choice = space[name]
    groups: dict[str, list[float]] = {label: [] for label in choice.labels} if isinstance(choice, Choice) else {}
    for trial in trials:
        if groups and name in trial.params:
            groups[choice.text(trial.params[name])].append(trial.value if trial.ok else math.inf)
    return groups


def _p_value(values: Sequence[float], best: Sequence[float]) -> float:
    """Return the p-value of values this much larger if both options were equally good."""
    if len({*values, *best}) == 1:
        return 1.0
    from scipy.stats import mannwhitneyu  # half a second, which `import hpsearch` should not cost

    return float(mannwhitneyu(values, best, alternative="greater").pvalue)
