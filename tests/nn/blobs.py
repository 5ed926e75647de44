"""Small made-up data for tests of training."""

from __future__ import annotations

import numpy as np

from hpsearch.nn.arrays import Array, Labels

INPUTS, CLASSES = 6, 3


def blobs(rows: int = 64, seed: int = 0, spread: float = 1.0) -> tuple[Array, Labels]:
    """Return points around one centre a class: x, float32, (rows, 6), and labels, int64, (rows,)."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((CLASSES, INPUTS))
    labels = rng.integers(0, CLASSES, rows)
    x = centres[labels] + spread * rng.standard_normal((rows, INPUTS))
    return np.ascontiguousarray(x, np.float32), labels


def blobs_for(cost: str, rows: int = 64) -> tuple[Array, Array]:
    """Return blobs with the targets that a cost takes: class indices, or for several numbers 1, 0 and 0 in some order."""
    x, labels = blobs(rows)
    return x, np.eye(CLASSES)[labels] if cost == "squared_errors" else labels
