"""Pauses within the chunks of an epoch: where they are, and that they change no bit, with either engine."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from hpsearch.nn import Monitors, Network, Recipe, Training
from hpsearch.nn.engines import select
from hpsearch.nn.engines.base import ends_of_pieces
from hpsearch.nn.engines.numpy_engine import NumpyEngine
from tests.nn.blobs import CLASSES, blobs

ENGINES = ["numpy"] + (["numba"] if find_spec("numba") else [])


@pytest.mark.parametrize(
    ("pauses", "ends"),
    [([], [6]), ([5], [1, 6]), ([4, 10], [6]), ([1, 2, 3], [6]), ([5, 7, 9], [1, 3, 5, 6]), ([11, 12], [6])],
)
def test_a_chunk_of_six_mini_batches_after_four_is_cut(pauses: list[int], ends: list[int]) -> None:
    assert ends_of_pieces(pauses, 4, 6) == ends


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 1},
        {"batch_size": 7, "momentum": 0.9, "l2": 5.0},
        {"batch_size": 10, "l2": 20.0},
        {"batch_size": 64, "momentum": 0.5},
    ],
)
def test_evaluations_after_every_mini_batch_change_no_bit(
    settings: dict[str, float], engine: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(select, "pays", lambda *what: True)
    rows, found = blobs(131, seed=1), []
    x = rows[0]
    for images in (None, int(settings["batch_size"])):
        network = Network.create((x.shape[1], 6, CLASSES), np.random.default_rng(3), dtype=dtype)
        monitors = Monitors(images=images, iterations=images is not None)
        recipe = Recipe(0.3, epochs=3, engine=engine, monitors=monitors, **settings)  # type: ignore[arg-type]
        train = (np.ascontiguousarray(x, dtype), rows[1])
        training = Training(network, train, recipe, np.random.default_rng(5), (train[0][:40], rows[1][:40]))
        assert isinstance(training._engine, NumpyEngine) == (engine == "numpy")
        list(training.run())
        found.append(training)
    plain, watched = found
    assert watched.history == plain.history
    assert all(ours.tobytes() == watched.state()[name].tobytes() for name, ours in plain.state().items())
    minibatches = -(-131 // int(settings["batch_size"]))
    assert len(watched.iterations) == 3 * minibatches or minibatches > 333
    assert len(watched.evaluations) >= 3 * 131 // int(settings["batch_size"])
