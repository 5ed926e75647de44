"""Search strategies: each proposes batches of trials and is one frozen dataclass in one file."""

from typing import Any

from hpsearch.strategies.bayesian import Bayesian
from hpsearch.strategies.follow_slope import FollowSlope
from hpsearch.strategies.freeze_thaw import FreezeThaw
from hpsearch.strategies.gaussian_process import GaussianProcess
from hpsearch.strategies.grid import Grid
from hpsearch.strategies.grow import Grow
from hpsearch.strategies.halving import Halving, Hyperband
from hpsearch.strategies.in_turn import InTurn
from hpsearch.strategies.quasirandom import QuasiRandom
from hpsearch.strategies.random import Random
from hpsearch.strategies.staged import Staged


def __getattr__(name: str) -> Any:
    """Say where `Auto` is, which looks like a strategy and stands above them."""
    if name == "Auto":
        raise ImportError("Auto is not in hpsearch.strategies, because it picks one of them. Write: from hpsearch import Auto")
    raise AttributeError(f"module 'hpsearch.strategies' has no attribute {name!r}")


__all__ = [
    "Bayesian",
    "FollowSlope",
    "FreezeThaw",
    "GaussianProcess",
    "Grid",
    "Grow",
    "Halving",
    "Hyperband",
    "InTurn",
    "QuasiRandom",
    "Random",
    "Staged",
]
