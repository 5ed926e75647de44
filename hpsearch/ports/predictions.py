"""Predictions of a trial for rows that it was not trained on, beside what is true of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Predictions:
    """What a trial predicts for held-out rows.

    Args:
        truth: class indices, or numbers; shape (n,), or (n, q) for several numbers a row.
        predicted: the same, as predicted.
        probabilities: of each class, shape (n, k); None where the model has none, and for numbers.
        classes: the name of each class; empty for numbers.
        rows: which rows these are, such as ``"validation rows"``.
    """

    truth: NDArray[Any] = field(repr=False)
    predicted: NDArray[Any] = field(repr=False)
    probabilities: NDArray[np.float64] | None = field(default=None, repr=False)
    classes: tuple[str, ...] = ()
    rows: str = "validation rows"

    @classmethod
    def join(cls, parts: Sequence[Predictions], rows: str) -> Predictions:
        """Return the predictions for several groups of rows as one."""
        shares = [part.probabilities for part in parts if part.probabilities is not None]
        return replace(
            parts[0],
            truth=np.concatenate([part.truth for part in parts]),
            predicted=np.concatenate([part.predicted for part in parts]),
            probabilities=np.concatenate(shares) if len(shares) == len(parts) else None,
            rows=rows,
        )
