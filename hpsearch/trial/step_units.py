"""What the steps of a curve count, by its name, and the seconds of each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

# One metric over the epochs: (step, value) pairs in rising order of step.
Curve = tuple[tuple[int, float], ...]
# Seconds since the training began, as a curve, by what the steps count.
Times = Mapping[str, Curve]
EPOCH, IMAGES, ITERATION = "epoch", "images", "iteration"


def step_unit(name: str) -> str:
    """Return what the steps of a curve count: epochs, unless its name ends otherwise.

    >>> step_unit("validation_cost"), step_unit("accuracy_by_images"), step_unit("cost_by_iteration")
    ('epoch', 'images', 'iteration')
    """
    return next((unit for unit in (IMAGES, ITERATION) if name.endswith(f"_by_{unit}")), EPOCH)


def seconds_of(name: str, steps: Sequence[int], times: Times) -> list[float] | None:
    """Return the seconds at the steps of a curve, between known ones in proportion; None where they were not recorded.

    >>> seconds_of("cost", [0, 1, 3], {"epoch": ((2, 1.0), (4, 2.0))})
    [0.0, 0.5, 1.5]
    """
    known = dict(times.get(step_unit(name), ()))
    if not known:
        return None
    known = {0: 0.0, **known}
    found: list[float] = np.interp(steps, list(known), list(known.values())).tolist()
    return found
