"""Curves from the metrics that another library measures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hpsearch.ports import Context


def report(context: Context, step: int, metrics: Mapping[str, Any]) -> None:
    """Report those metrics that are numbers, tensors with one number included."""
    found = {}
    for name, value in metrics.items():
        try:
            found[str(name)] = float(value)
        except (TypeError, ValueError):
            continue
    if found:
        context.report(step, **found)


def is_due(step: int, every: int, total: float = math.inf) -> bool:
    """Return whether a checkpoint is to be saved at a step: at every so many, and at the last."""
    return step % every == 0 or step == total
