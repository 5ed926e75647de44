"""Engines that run the mini-batches of an epoch: NumPy, and a loop compiled with numba."""

from hpsearch.nn.engines.select import engine_of, prepare, resolve

__all__ = [
    "engine_of",
    "prepare",
    "resolve",
]
