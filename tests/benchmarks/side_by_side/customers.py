"""A table with texts, gaps and three classes of which one is rare, as data scientists meet them; made from a seed."""

from __future__ import annotations

import numpy as np
import pandas as pd

CLASSES = ("stays", "leaves", "returns")


def customers(rows: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Return a table: three columns of numbers, three of texts, gaps in two of them, and the class in ``outcome``.

    The classes have shares of about .7, .2 and .1. What tells them apart are curves and pairs of columns.
    """
    rng = np.random.default_rng(seed)
    age, income = rng.normal(45, 12, rows), rng.lognormal(10.3, 0.6, rows)
    visits = rng.poisson(6, rows).astype(float)
    region = rng.choice(["north", "south", "east", "west"], rows, p=[0.4, 0.3, 0.2, 0.1])
    plan = rng.choice(["basic", "plus", "pro"], rows, p=[0.5, 0.35, 0.15])
    channel = rng.choice(["shop", "web", "phone"], rows)
    leaves = 1.2 * (plan == "basic") + 0.08 * np.abs(age - 45) - 0.22 * visits + 0.9 * (region == "south") * (channel == "web")
    returns = 1.1 * (plan == "pro") + 0.25 * visits - 0.6 * np.log(income / 3e4) - 2.0
    noise = rng.gumbel(size=(rows, 3))
    outcome = np.argmax(np.stack([np.full(rows, 0.6), leaves - 0.6, returns], 1) + 0.3 * noise, axis=1)
    age[rng.random(rows) < 0.12] = np.nan
    given = np.where(rng.random(rows) < 0.1, None, region)
    return pd.DataFrame(
        {
            "age": age,
            "income": income,
            "visits": visits,
            "region": given,
            "plan": plan,
            "channel": channel,
            "outcome": np.array(CLASSES)[outcome],
        }
    )
