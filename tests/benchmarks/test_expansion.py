"""Seconds for 10,000 distorted images of 28 pixels a side, beside scipy's interpolation of as many at the same positions.

Run: pytest -m benchmark tests/benchmarks/test_expansion.py
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from threadpoolctl import threadpool_limits

from hpsearch.nn.augment import Affine, Elastic, Expansion, expand

pytestmark = pytest.mark.benchmark

IMAGES, SIDE = 10_000, 28


@pytest.fixture
def images() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.random((IMAGES, SIDE * SIDE), np.float32) * (rng.random((IMAGES, SIDE * SIDE)) < 0.2).astype(np.float32)


@pytest.mark.parametrize("expansion", [Affine(), Elastic(), Elastic(rotation=10.0, skew=10.0, translation=1 / 14)])
def test_expansion(benchmark: Any, expansion: Expansion, images: np.ndarray) -> None:
    with threadpool_limits(1):
        benchmark(expand, images, expansion, np.random.default_rng(0))


def test_scipy_alone(benchmark: Any, images: np.ndarray) -> None:
    """The interpolation only, with the stack of images as a third axis; positions are given."""
    drawn = np.random.default_rng(0).random((1000, 4), np.float32) * 2 - 1
    at = Affine().sources(drawn, SIDE).reshape(2, 1000, SIDE, SIDE)
    which = np.broadcast_to(np.arange(1000, dtype=np.float32)[:, None, None], at.shape[1:])
    places, stacks = np.stack([which, *at]), images.reshape(-1, 1000, SIDE, SIDE)

    def interpolate() -> None:
        for stack in stacks:
            ndimage.map_coordinates(stack, places, order=1, mode="grid-constant", prefilter=False)

    benchmark(interpolate)
