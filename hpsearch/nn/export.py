"""Export of a network as plain data, and its restoration: a JSON description of its layers, and its weights by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any

import numpy as np

from hpsearch.checks import integer
from hpsearch.errors import SettingError, must_be
from hpsearch.nn.activations import ACTIVATIONS, Activation
from hpsearch.nn.arrays import DTYPES, Array, known
from hpsearch.nn.costs import COSTS
from hpsearch.nn.network import Network

# Of the format. When you change it, raise this number, add a migration from the previous version to `_FORMER`, and keep a file
# of the previous version in tests/nn.
VERSION = 2
_DAMAGED = "Save the network again."


def architecture(network: Network) -> dict[str, Any]:
    """Return the description of a network, plain JSON data: its cost, and units, inputs and activation of every layer.

    Where the activation has settings, they are beside its name: ``{..., "activation": "elu", "settings": {"alpha": 1.0}}``.
    """
    functions = [_hidden(network)] * (len(network.weights) - 1) + [{"activation": network.cost.output_name}]
    layers = [
        {"units": len(weights), "inputs": weights.shape[1], **function}
        for weights, function in zip(network.weights, functions, strict=True)
    ]
    return {"version": VERSION, "dtype": network.dtype.name, "cost": network.cost_name, "layers": layers}


def weights(network: Network) -> dict[str, Array]:
    """Return copies of ``weights_0``, (units, inputs), ``biases_0``, (units,), and so on for every layer."""
    named = {f"weights_{i}": w.copy() for i, w in enumerate(network.weights)}
    return named | {f"biases_{i}": b.copy() for i, b in enumerate(network.biases)}


def restore(description: Mapping[str, Any], arrays: Mapping[str, Array]) -> Network:
    """Return the network that `architecture` and `weights` described, in this version or an earlier one, to the bit.

    Other entries of the description, such as the names of the classes, are ignored.

    Raises:
        SettingError: for an unknown version, word or array, or a missing one.
    """
    description = _current(description)
    known("dtype of a saved network", description.get("dtype"), DTYPES)
    known("cost of a saved network", description.get("cost"), COSTS)
    layers = _layers(description)
    _check_output(layers[-1], description["cost"])
    _check_names(arrays, len(layers))
    kept = {kind: [_array(arrays, kind, i, layer, description["dtype"]) for i, layer in enumerate(layers)] for kind in _SHAPES}
    return Network(kept["weights"], kept["biases"], _activation(layers[:-1]), description["cost"])


_SHAPES: dict[str, tuple[str, ...]] = {"weights": ("units", "inputs"), "biases": ("units",)}


def _with_cost(description: Mapping[str, Any]) -> dict[str, Any]:
    """Add the cost, which version 1 lacks: the one of the output units; for sigmoid the more usual one of two."""
    softmax = _layers(description)[-1].get("activation") == "softmax"
    return {**description, "version": 2, "cost": "log_likelihood" if softmax else "cross_entropy"}


# Version -> migration to the next one.
_FORMER: dict[int, Callable[[Mapping[str, Any]], dict[str, Any]]] = {1: _with_cost}


def _current(description: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a description in the words of this version."""
    advice = "Take the hpsearch that wrote it, or a newer one."
    version = integer("Format version of a saved network", description.get("version"), 1, advice, most=VERSION)
    for former in range(version, VERSION):
        description = _FORMER[former](description)
    return description


def _layers(description: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    layers = description.get("layers")
    if not isinstance(layers, list) or not layers or not all(isinstance(layer, Mapping) for layer in layers):
        raise SettingError(must_be("Layers of a saved network", "a list with one at least", layers, _DAMAGED))
    return layers


def _check_output(layer: Mapping[str, Any], cost: str) -> None:
    wanted = COSTS[cost].output_name
    if layer.get("activation") != wanted:
        what = f"Output units of a saved network with cost {cost!r}"
        raise SettingError(must_be(what, repr(wanted), layer.get("activation"), _DAMAGED))


def _check_names(arrays: Mapping[str, Array], layers: int) -> None:
    odd = sorted({f"{kind}_{i}" for kind in _SHAPES for i in range(layers)} ^ set(arrays))
    if odd:
        what = "Arrays of a saved network"
        raise SettingError(must_be(what, f"those of its {layers} layers", f"differing in {', '.join(odd)}", _DAMAGED))


def _array(arrays: Mapping[str, Array], kind: str, index: int, layer: Mapping[str, Any], dtype: str) -> Array:
    """Return one array of a layer, in the byte order of this machine."""
    array, shape = arrays[f"{kind}_{index}"], tuple(layer.get(size) for size in _SHAPES[kind])
    if array.shape != shape or array.dtype.name != dtype:
        found = f"{array.dtype.name} of shape {array.shape}"
        raise SettingError(must_be(f"{kind}_{index} of a saved network", f"{dtype} of shape {shape}", found, _DAMAGED))
    return np.ascontiguousarray(array, dtype)


def _activation(layers: list[Mapping[str, Any]]) -> str | Activation:
    """Return the function of the hidden layers, which is one and the same."""
    if not layers:
        return "sigmoid"  # of no layer at all
    name, settings = layers[0].get("activation"), layers[0].get("settings", {})
    if any((layer.get("activation"), layer.get("settings", {})) != (name, settings) for layer in layers):
        shown = [layer.get("activation") for layer in layers]
        raise SettingError(must_be("Activation of a saved network", "the same in all hidden layers", shown, _DAMAGED))
    known("activation of a saved network", name, ACTIVATIONS)
    function: Any = ACTIVATIONS[str(name)]
    names = [item.name for item in fields(function)] if is_dataclass(function) else []
    if not isinstance(settings, Mapping) or set(settings) != set(names):
        what = f"Settings of activation {name!r} of a saved network"
        raise SettingError(must_be(what, ", ".join(names) or "none", settings, _DAMAGED))
    changed: str | Activation = replace(function, **settings) if names else str(name)
    return changed


def _hidden(network: Network) -> dict[str, Any]:
    function = network.activation
    if is_dataclass(function) and not isinstance(function, type):
        return {"activation": function.name, "settings": asdict(function)}
    return {"activation": function.name}
