"""The forward pass of a saved network, in NumPy alone, from the columns of a table to labels.

MLflow keeps a copy of this file beside the weights and runs it where the model is loaded. So it imports nothing of
hpsearch, and reads plain arrays and JSON only. Without MLflow it reads a network as well::

    SavedNetwork("network.npz").predict({"age": [31], "city": ["Rome"]}, labels=True)

and as a program it prints the label of each row of a CSV file: ``python pyfunc_network.py network.npz rows.csv``.
"""

from __future__ import annotations

import csv
import json
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

try:
    from mlflow.models import set_model
    from mlflow.pyfunc import PythonModel  # type: ignore[attr-defined]
except ImportError:  # it is read without MLflow
    set_model, PythonModel = None, object  # type: ignore[assignment, misc]

# Of networks, and of those whose inputs are the encoded columns of a table.
VERSIONS = (2, 3)


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


class SavedNetwork:
    """A network of fully connected layers, or several whose outputs are averaged or that vote, read from a file.

    Raises:
        ValueError: for a format or an activation that this file does not have, or for weights that are not plain numbers.
    """

    def __init__(self, path: str | Path) -> None:
        self.members, self.labels, self.columns, self.vote = read(Path(path))
        self._said = False

    def predict(self, rows: Any, labels: bool = False) -> np.ndarray:
        """Return the outputs, (n, k), for rows: a data frame, a dict of lists by column name, or an array (n, d).

        With ``labels`` it returns the label of the largest output of each row instead, or the one with the most votes.
        """
        if labels and not len(self.labels):
            raise ValueError("return must be 'outputs' of a network that predicts numbers, got 'labels'.")
        x = np.asarray(rows) if self.columns is None else self._encode(rows)
        inputs = self.members[0][0][0].shape[1]
        if x.ndim != 2 or x.shape[1] != inputs:
            raise ValueError(f"The input must be of shape (n, {inputs}), got {x.shape}.")
        before = [_forward(layers, x) for layers in self.members]  # of the output units, (k, n) each
        outputs = sum(layers[-1][2](z) for layers, z in zip(self.members, before, strict=True)) / len(before)
        if not labels:
            found: np.ndarray = outputs.T
            return found
        if self.vote:  # of equally many votes for the largest mean output
            votes = sum(np.arange(len(z))[:, None] == z.argmax(axis=0) for z in before)
            outputs = np.where(votes == votes.max(axis=0), outputs, -np.inf)
        # For a single network by z, as in training: several outputs may be rounded to 1.
        named: np.ndarray = self.labels[(before[0] if len(before) == 1 else outputs).argmax(axis=0)]
        return named

    def _encode(self, rows: Any) -> np.ndarray:
        """Return the inputs for the columns of a table."""
        blocks: list[np.ndarray] = []
        columns = self.columns or []
        for column in columns:
            block, unseen = _block(column, _column(rows, column["name"], len(columns)))
            if blocks and len(block) != len(blocks[0]):
                raise ValueError(f"Column {column['name']!r} must be of {len(blocks[0])} rows, got {len(block)}.")
            blocks.append(block)
            if unseen and not self._said:
                self._said = True
                found = f"Column {column['name']!r} holds {unseen[0]!r}"
                warnings.warn(f"{found}, which the network was not trained on.", stacklevel=3)
        return np.hstack(blocks)


class FullyConnected(PythonModel):
    """The model that MLflow loads."""

    def load_context(self, context: Any) -> None:
        """Read the layers."""
        self.network = SavedNetwork(context.artifacts["network"])

    # The exact type np.ndarray tells MLflow that the signature, and no type hint, describes the input.
    def predict(self, context: Any, model_input: np.ndarray, params: dict[str, Any] | None = None) -> np.ndarray:
        """Return the outputs, (n, k), for inputs (n, d), an array or a data frame.

        ``params={"return": "labels"}`` asks for the class of the largest output of each row instead.
        """
        default = "labels" if self.network.columns is not None and len(self.network.labels) else "outputs"
        wanted = (params or {}).get("return", default)
        if wanted not in ("outputs", "labels"):
            raise ValueError(f"return must be 'outputs' or 'labels', got {wanted!r}.")
        return self.network.predict(model_input, wanted == "labels")


def _is_missing(value: Any) -> bool:
    if isinstance(value, (float, np.floating)):
        return bool(np.isnan(value))
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _spelled(value: Any, options: list[str]) -> str:
    """Return a value as it is among the options: a number is the same as a float and as a whole number."""
    text = str(value)
    if text in options or not isinstance(value, (int, float, np.number)):
        return text
    spellings = [str(float(value)), str(int(value)) if float(value).is_integer() else text]
    return next((other for other in spellings if other in options), text)


def _column(rows: Any, name: str | int, count: int) -> list[Any]:
    """Return a column of a table as a list; of an array by its position."""
    if isinstance(name, int):
        array = np.asarray(rows)
        if array.ndim != 2 or array.shape[1] != count:
            raise ValueError(f"The input must be of shape (n, {count}), got {array.shape}.")
        return list(array[:, name].tolist())
    try:
        values = rows[name]
    except Exception as error:
        raise ValueError(
            f"The rows must have the column {name!r}. Pass the columns that the network was trained on."
        ) from error
    if isinstance(values, str) or not hasattr(values, "__len__"):
        return [values]
    return list(values.to_list() if hasattr(values, "to_list") else values)


def _number(value: Any) -> float:
    return float({"true": 1, "false": 0}.get(value.lower(), value) if isinstance(value, str) else value)


def _block(column: dict[str, Any], values: list[Any]) -> tuple[np.ndarray, list[str]]:
    """Return the inputs of a column, (n, width), and the options that the training rows did not have."""
    missing = np.array([_is_missing(value) for value in values], float)[:, None]
    marks = [missing] if column["marks"] else []
    if "options" in column:
        texts = [None if _is_missing(value) else _spelled(value, column["options"]) for value in values]
        options = [np.array([text == option for text in texts], float)[:, None] for option in column["options"]]
        unseen = [text for text in dict.fromkeys(texts) if text is not None and text not in column["options"]]
        unseen = unseen if column["options"] else []
        return np.hstack([np.zeros((len(values), 0)), *options, *marks]), unseen
    if not column["spread"]:
        return np.hstack([np.zeros((len(values), 0)), *marks]), []
    try:
        numbers = np.array([column["mean"] if _is_missing(value) else _number(value) for value in values])[:, None]
    except (TypeError, ValueError) as error:
        raise ValueError(f"Column {column['name']!r} must hold numbers: {error}.") from error
    return np.hstack([(numbers - column["mean"]) / column["spread"], *marks]), []


def _forward(layers: Layers, x: np.ndarray) -> np.ndarray:
    """Return the pre-activation of the output layer, (k, n)."""
    a = np.ascontiguousarray(x, layers[0][0].dtype).T  # a data frame's order of memory would be summed in another order
    for weights, biases, function in layers[:-1]:
        a = function(weights @ a + biases[:, None])
    weights, biases, _ = layers[-1]
    z: np.ndarray = weights @ a + biases[:, None]
    return z


Layers = list[tuple[np.ndarray, np.ndarray, Any]]


def read(path: Path) -> tuple[list[Layers], np.ndarray, list[dict[str, Any]] | None, bool]:
    """Return the weights, biases and function of every layer of each network, the labels of the outputs, and the columns.

    There are labels where it predicts classes, and columns where its inputs are those of a table. The last is whether the
    networks vote.
    """
    arrays = _arrays(path)
    architecture = json.loads(arrays["architecture"].item())
    version = architecture.get("version")
    if version not in VERSIONS:
        known = " or ".join(map(str, VERSIONS))
        raise ValueError(f"The network's format must be version {known}, got {version!r}. Install a newer hpsearch.")
    listed = architecture.get("members")
    count = len(listed) if isinstance(listed, list) else listed
    prefixes = [""] if count is None else [f"member_{i}_" for i in range(count)]
    own = listed if isinstance(listed, list) else [architecture["layers"]] * len(prefixes)
    members = [_layers(layers, arrays, prefix) for layers, prefix in zip(own, prefixes, strict=True)]
    labels = np.array(architecture["labels"])
    if labels.dtype.kind == "f":  # whole numbers beyond 64 bits
        labels = np.array(architecture["labels"], object)
    return members, labels, architecture.get("inputs"), architecture.get("vote", False)


def _layers(described: list[dict[str, Any]], arrays: dict[str, np.ndarray], prefix: str) -> Layers:
    layers = []
    for index, layer in enumerate(described):
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


def _print_predictions(path: str, table: str) -> None:
    """Print what a saved network predicts for each row of a CSV file; an empty field is a missing value."""
    network = SavedNetwork(path)
    with Path(table).open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    options = {column["name"]: column.get("options", []) for column in network.columns or []}
    columns = {name: [_read(row[name], options.get(name, [])) for row in rows] for name in reader.fieldnames or []}
    for found in network.predict(columns, labels=bool(len(network.labels))):
        print(found if len(network.labels) else ",".join(str(float(number)) for number in found))  # noqa: T201


# What pandas reads as missing in a CSV file.
_NONE = {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL"}
_NONE |= {"NaN", "None", "n/a", "nan", "null"}


def _read(field: str | None, options: list[str]) -> Any:
    """Return a field of a CSV file: a text, a number where that is an option, or None."""
    if field is None or (field in _NONE and field not in options):
        return None
    try:
        return float(field) if options and field not in options else field
    except ValueError:
        return field


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"Write it as in: python {sys.argv[0]} network.npz rows.csv")
    try:
        _print_predictions(*sys.argv[1:])
    except (OSError, ValueError) as problem:
        sys.exit(f"error: {problem}")
elif set_model is not None:
    set_model(FullyConnected())
