"""The forward pass of a logged network, in NumPy alone.

MLflow keeps a copy of this file beside the weights and runs it where the model is loaded. So it imports nothing of
hpsearch, and reads plain arrays and JSON only.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel  # type: ignore[attr-defined]

VERSION = 2


def _softmax(z: np.ndarray) -> np.ndarray:
    """Return exp(z) / sum exp(z) over the units, one sample a column."""
    shares: np.ndarray = np.exp(z - z.max(axis=0, keepdims=True))
    shares /= shares.sum(axis=0, keepdims=True)
    return shares


def _maxout(z: np.ndarray, pieces: int) -> np.ndarray:
    """Return the largest of every ``pieces`` adjacent rows."""
    largest: np.ndarray = z.reshape(-1, pieces, z.shape[1]).max(axis=1)
    return largest


# What a layer does with its pre-activation z, (units, n), and with its settings. A new activation is a line here.
FUNCTIONS: dict[str, Any] = {
    "sigmoid": lambda z: (np.tanh(z * 0.5) + 1) * 0.5,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z, leak: np.where(z > 0, z, z * leak),
    "elu": lambda z, alpha: np.where(z > 0, z, np.expm1(np.minimum(z, 0)) * alpha),
    "linear": lambda z: z,
    "maxout": _maxout,
    "softmax": _softmax,
}


class FullyConnected(PythonModel):
    """A network of fully connected layers, or several whose outputs are averaged, read from ``network.npz``."""

    def load_context(self, context: Any) -> None:
        """Read the layers.

        Raises:
            ValueError: for a format or an activation that this file does not have, or for weights that are not plain numbers.
        """
        self.members, self.labels = read(Path(context.artifacts["network"]))

    # The exact type np.ndarray tells MLflow that the signature, and no type hint, describes the input.
    def predict(self, context: Any, model_input: np.ndarray, params: dict[str, Any] | None = None) -> np.ndarray:
        """Return the outputs, (n, k), for inputs (n, d), an array or a data frame.

        ``params={"return": "labels"}`` asks for the class of the largest output of each row instead.
        """
        wanted = (params or {}).get("return", "outputs")
        if wanted not in ("outputs", "labels"):
            raise ValueError(f"return must be 'outputs' or 'labels', got {wanted!r}.")
        if wanted == "labels" and not len(self.labels):
            raise ValueError("return must be 'outputs' of a network that predicts numbers, got 'labels'.")
        x = np.asarray(model_input)
        inputs = self.members[0][0][0].shape[1]
        if x.ndim != 2 or x.shape[1] != inputs:
            raise ValueError(f"The input must be of shape (n, {inputs}), got {x.shape}.")
        before = [_forward(layers, x) for layers in self.members]  # of the output units, (k, n) each
        outputs = sum(layers[-1][2](z) for layers, z in zip(self.members, before, strict=True)) / len(before)
        if wanted == "outputs":
            rows: np.ndarray = outputs.T
            return rows
        # For a single network by z, as in training: several outputs may be rounded to 1.
        labels: np.ndarray = self.labels[(before[0] if len(before) == 1 else outputs).argmax(axis=0)]
        return labels


def _forward(layers: Layers, x: np.ndarray) -> np.ndarray:
    """Return the pre-activation of the output layer, (k, n)."""
    a = np.ascontiguousarray(x, layers[0][0].dtype).T  # a data frame's order of memory would be summed in another order
    for weights, biases, function in layers[:-1]:
        a = function(weights @ a + biases[:, None])
    weights, biases, _ = layers[-1]
    z: np.ndarray = weights @ a + biases[:, None]
    return z


Layers = list[tuple[np.ndarray, np.ndarray, Any]]


def read(path: Path) -> tuple[list[Layers], np.ndarray]:
    """Return the weights, biases and function of every layer of each network, and the labels of the outputs, if any."""
    arrays = _arrays(path)
    architecture = json.loads(arrays["architecture"].item())
    version = architecture.get("version")
    if version != VERSION:
        raise ValueError(f"The network's format must be version {VERSION}, got {version!r}. Install a newer hpsearch.")
    prefixes = [f"member_{i}_" for i in range(architecture["members"])] if "members" in architecture else [""]
    return [_layers(architecture, arrays, prefix) for prefix in prefixes], np.array(architecture["labels"])


def _layers(architecture: dict[str, Any], arrays: dict[str, np.ndarray], prefix: str) -> Layers:
    layers = []
    for index, layer in enumerate(architecture["layers"]):
        if layer["activation"] not in FUNCTIONS:
            raise ValueError(f"An activation must be one of {', '.join(FUNCTIONS)}, got {layer['activation']!r}.")
        shape = (layer["units"], layer["inputs"])
        found = arrays[f"{prefix}weights_{index}"]
        if found.shape != shape:
            raise ValueError(f"The weights of layer {index} must be of shape {shape}, got {found.shape}.")
        function = partial(FUNCTIONS[layer["activation"]], **layer.get("settings", {}))
        layers.append((found, arrays[f"{prefix}biases_{index}"], function))
    return layers


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an npz file; raise for anything that would have to be unpickled."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except Exception as error:
        raise ValueError(f"{path.name} must hold plain arrays of numbers: {error}") from error


set_model(FullyConnected())
