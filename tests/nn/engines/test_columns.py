"""Gradients column by column: the same bits as sample by sample, for any sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hpsearch.nn.engines import base
from hpsearch.nn.network import Network
from hpsearch.nn.optimizers.rules import rule_of
from hpsearch.nn.recipe import Recipe

pytest.importorskip("numba", reason="numba is not installed: there is one engine only")
from hpsearch.nn.engines import numba_engine
from hpsearch.nn.engines.numba_engine import NumbaEngine


def trained(
    monkeypatch: pytest.MonkeyPatch, by_columns: bool, sizes: tuple[int, ...], batch: int, dtype: str, **more: Any
) -> bytes:
    """Return the weights after two epochs over 70 rows, of which some are empty and some full."""
    monkeypatch.setattr(numba_engine, "by_columns", lambda units, samples: by_columns)
    rng = np.random.default_rng(1)
    x = (rng.random((70, sizes[0])) * (rng.random((70, sizes[0])) < 0.3)).astype(dtype)
    x[3], x[4] = 0.0, 0.5
    network = Network.create(sizes, rng, dtype=dtype, **{k: v for k, v in more.items() if k in ("activation", "cost")})
    recipe = Recipe(0.3, batch_size=batch, l2=2.0, momentum=more.get("momentum", 0.0))
    optimizer = rule_of("sgd").start(network, 2.0 / 70, 0.0, recipe.momentum)
    engine = NumbaEngine(network, (x, rng.integers(0, sizes[-1], 70)), recipe, optimizer)
    for _ in range(2):
        list(engine.epoch(rng.permutation(70), iter([0.3] * 70)))
    return b"".join(array.tobytes() for array in (*network.weights, *network.biases))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [20, 33, 70])
@pytest.mark.parametrize("hidden", [(81,), (97,), (130,), (90, 40), (20,), ()])
def test_no_bit_differs(hidden: tuple[int, ...], batch: int, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strips in whole blocks and not, an odd and an even number of them, and a mini-batch of what is left over."""
    ours, theirs = (trained(monkeypatch, way, (37, *hidden, 5), batch, dtype) for way in (True, False))
    assert ours == theirs


@pytest.mark.parametrize(
    "more", [{"momentum": 0.9}, {"activation": "relu"}, {"activation": "tanh", "cost": "log_likelihood"}, {"cost": "quadratic"}]
)
def test_no_bit_differs_whatever_the_rule(more: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = (trained(monkeypatch, way, (150, 100, 10), 25, "float32", **more) for way in (True, False))
    assert ours == theirs


def test_it_is_the_way_of_wide_layers_and_many_samples() -> None:
    assert [base.by_columns(*sizes) for sizes in ((80, 50), (81, 50), (100, 19), (100, 20), (800, 256), (800, 257))] == [
        False, True, False, True, True, False,
    ]  # fmt: skip
