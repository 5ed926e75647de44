"""Grid search against random search, after Bergstra and Bengio (2012)."""

from hpsearch.reproductions.bergstra.grid_vs_random import GRID_VS_RANDOM

__all__ = [
    "GRID_VS_RANDOM",
]
