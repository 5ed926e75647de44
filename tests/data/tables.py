"""A small table of all kinds of columns, as a frame of pandas and of polars."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

ROWS = 40
Make = Callable[..., Any]


def columns(**others: Any) -> dict[str, Any]:
    """Columns by name, ``others`` in place of those of the same name or beside them; None leaves one out."""
    rng = np.random.default_rng(0)
    held: dict[str, Any] = {
        "city": ["Rome", None, "Oslo", "Łódź"] * (ROWS // 4),
        "age": np.round(rng.normal(50.0, 9.0, ROWS), 3).tolist(),
        "member": [True, False, None, True] * (ROWS // 4),
        "patient": np.repeat(np.arange(ROWS // 4), 4).tolist(),
        "day": list(range(ROWS)),
        "count": rng.integers(1, 4, ROWS).tolist(),
        "buys": ["no", "yes", "no", "no"] * (ROWS // 4),
    }
    return {name: values for name, values in (held | others).items() if values is not None}


def pandas_frame(**others: Any) -> pd.DataFrame:
    return pd.DataFrame(columns(**others))


def polars_frame(**others: Any) -> pl.DataFrame:
    return pl.DataFrame(columns(**others), strict=False)


MAKERS: dict[str, Make] = {"pandas": pandas_frame, "polars": polars_frame}
