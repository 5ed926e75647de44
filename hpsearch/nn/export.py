"""A network as plain data: its layers in words, its weights as named arrays."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from typing import Any

from hpsearch.nn.arrays import Array
from hpsearch.nn.network import Network

# Of the words below; whoever reads them refuses any other.
VERSION = 1


def architecture(network: Network) -> dict[str, Any]:
    """Return what JSON can say of a network: the units, inputs and activation of every layer, the first one first.

    Where the activation has settings, they stand beside its name: ``{..., "activation": "elu", "settings": {"alpha": 1.0}}``.
    """
    functions = [_hidden(network)] * (len(network.weights) - 1) + [{"activation": network.cost.output_name}]
    layers = [
        {"units": len(weights), "inputs": weights.shape[1], **function}
        for weights, function in zip(network.weights, functions, strict=True)
    ]
    return {"version": VERSION, "dtype": network.dtype.name, "layers": layers}


def weights(network: Network) -> dict[str, Array]:
    """Return copies of ``weights_0``, (units, inputs), ``biases_0``, (units,), and so on for every layer."""
    named = {f"weights_{i}": w.copy() for i, w in enumerate(network.weights)}
    return named | {f"biases_{i}": b.copy() for i, b in enumerate(network.biases)}


def _hidden(network: Network) -> dict[str, Any]:
    function = network.activation
    if is_dataclass(function) and not isinstance(function, type):
        return {"activation": function.name, "settings": asdict(function)}
    return {"activation": function.name}
