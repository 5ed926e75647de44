"""The overfitting experiment of Nielsen's chapter 3, followed digit by digit.

`nielsen_overfitting.csv` holds cost and number of right answers after each epoch, as the book's own code gives them with
the seed 12345678: 30 hidden units, the first 1,000 training images, mini-batches of 10, eta 0.5, cross-entropy, no penalty.
"""

from __future__ import annotations

import csv
import gzip
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.nn import Monitors, Network, Recipe, Training
from hpsearch.nn.initializers import draw

HOME = os.environ.get("HPSEARCH_DATA_HOME")
SEED, EPOCHS, IMAGES = 12345678, 60, 1000

pytestmark = pytest.mark.skipif(HOME is None, reason="MNIST is not here: HPSEARCH_DATA_HOME is not set")


class Legacy:
    """NumPy's stream of 2008 behind the one method that drawing weights needs."""

    def __init__(self, seed: int) -> None:
        self._stream = np.random.RandomState(seed)

    def standard_normal(self, size: Any) -> np.ndarray:
        return np.asarray(self._stream.standard_normal(size))


def mnist_file(stem: str, skip: int) -> np.ndarray:
    """Return the bytes of an IDX file after its header; the test images are sealed in `hpsearch.data`, hence from the file."""
    path = next(path for path in sorted(Path(str(HOME)).iterdir()) if path.name.startswith(stem))
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return np.frombuffer(raw, np.uint8, offset=skip)


def mnist(stem: str, rows: int) -> tuple[np.ndarray, np.ndarray]:
    images = mnist_file(f"{stem}-images", 16).reshape(-1, 784)[:rows]
    # Pixels were float32 of byte/256, turned to float64 by the products.
    x = (images / np.float32(256)).astype(np.float32)
    return x, mnist_file(f"{stem}-labels", 8)[:rows].astype(np.int64)


def orders() -> Iterator[np.ndarray]:
    """Shuffle one running order in place by the rule of Python 2, which drew random() for each swap."""
    stream, order = random.Random(SEED), list(range(IMAGES))
    while True:
        for i in range(IMAGES - 1, 0, -1):
            j = int(stream.random() * (i + 1))
            order[i], order[j] = order[j], order[i]
        yield np.array(order)


def nielsen_network() -> Network:
    """Draw with the scaled initialiser, then once more with the large one from the same stream."""
    stream: Any = Legacy(SEED)
    draw("scaled", (784, 30, 10), stream)
    return Network(*draw("large", (784, 30, 10), stream))


def test_follows_the_published_curve() -> None:
    with (Path(__file__).parent / "nielsen_overfitting.csv").open(newline="") as file:
        published = list(csv.DictReader(file))[:EPOCHS]
    train, test = mnist("train", IMAGES), mnist("t10k", 10_000)
    recipe = Recipe(0.5, epochs=EPOCHS, monitors=Monitors(training_cost=False, full_training=True))
    training = Training(nielsen_network(), train, recipe, np.random.default_rng(0), test)
    for epoch, row in zip(training.run(orders=orders()), published, strict=True):
        right = (epoch.validation_accuracy or 0) * 10_000, (epoch.full_training_accuracy or 0) * IMAGES
        assert right == pytest.approx((int(row["test_correct_of_10000"]), int(row["train_correct_of_1000"])), abs=1e-6)
        assert epoch.validation_cost == pytest.approx(float(row["test_cost"]), abs=1e-11)
        assert epoch.full_training_cost == pytest.approx(float(row["train_cost"]), abs=1e-11)
