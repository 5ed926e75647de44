"""Choice of the marks that a browser draws, where there are more than it carries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpsearch.plots.chart import Dots

# Marks are drawn as shapes, of which a browser carries some thousands; of more dots than this an even choice is drawn.
MOST = 1000
LEADERS = 100


def kept_dots(dots: Dots, most: int = MOST) -> Sequence[int]:
    """Return which dots are drawn: all, or those of the least colour and an even choice of ``most`` others."""
    count = len(dots.x)
    if count <= most:
        return range(count)
    ranked = [] if isinstance(dots.colour, str) else np.argsort(np.asarray(dots.colour), kind="stable").tolist()
    leaders = set(ranked[:LEADERS])
    return [i for i in range(count) if i in leaders or i % -(-count // most) == 0]
