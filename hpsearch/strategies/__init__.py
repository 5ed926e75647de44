"""Strategies: each proposes batches of trials; each is one frozen dataclass in one file."""

from hpsearch.strategies.grid import Grid
from hpsearch.strategies.random import Random

__all__ = ["Grid", "Random"]
