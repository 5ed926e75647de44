"""The forward pass of a saved recurrent network, in NumPy alone, from texts to texts.

MLflow keeps a copy of this file beside the weights and runs it where the model is loaded. So it imports nothing of
hpsearch, and reads plain arrays and JSON only. Without MLflow it reads a network as well::

    SavedRecurrent("network.npz").sample("Once ", length=200, temperature=0.8)

and as a program it prints what follows each of its texts: ``python pyfunc_recurrent.py network.npz "hell" "olleh"``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

try:
    from mlflow.models import set_model
    from mlflow.pyfunc import PythonModel  # type: ignore[attr-defined]
except ImportError:  # it is read without MLflow
    set_model, PythonModel = None, object  # type: ignore[assignment, misc]

KIND, VERSION = "recurrent", 1
WRITING = ("one-to-many", "encoder-decoder")
# An output that no mark ends is cut at so many characters.
LONGEST = 200


class SavedRecurrent:
    """An Elman network over characters, read from a file.

    Raises:
        ValueError: for a file of another kind or version, or weights that are not plain numbers.
    """

    def __init__(self, path: str | Path) -> None:
        arrays = _arrays(Path(path))
        described = json.loads(arrays.pop("architecture").item()) if "architecture" in arrays else {}
        if described.get("kind") != KIND:
            raise ValueError(f"The file must hold a recurrent network, got another kind of file: {Path(path).name}.")
        if described.get("version") != VERSION:
            what, advice = f"The version of the file must be {VERSION}", "Take the reader of a newer hpsearch."
            raise ValueError(f"{what}, got {described.get('version')!r}. {advice}")
        # What float32 rounds grows from step to step; hpsearch writes texts in float64 too.
        self.arrays = {name: array.astype(np.float64) for name, array in arrays.items()}
        self.task, self.alphabet = described["task"], described["alphabet"]
        self.labels: list[str] = described["labels"]
        self._codes = {character: code for code, character in enumerate(self.alphabet[:-1])}

    def predict(self, texts: list[str]) -> list[str]:
        """Return the most probable output for each text: the next character, a label, or a text, by the network's task."""
        return [self._predict(text) for text in texts]

    def probabilities(self, texts: list[str]) -> np.ndarray:
        """Return the probability of every character, or label, that follows each text, (n, k)."""
        z = np.array([self._outputs(self._read(text)[-1]) for text in texts]).reshape(-1, len(self.arrays["output_bias"]))
        shares: np.ndarray = np.exp(z - z.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return shares

    def sample(self, start: str, length: int = 200, temperature: float = 1.0, seed: int = 0) -> str:
        """Return a text that continues ``start``; see `hpsearch.nn.recurrent.sample`, which draws the same characters."""
        if self.task != "text" or not start:
            raise ValueError("A sample must continue one character at least, by a network that predicts the next one.")
        if length < 0 or not 0 <= temperature < float("inf"):
            raise ValueError(f"length and temperature must be 0 or more, got {length!r} and {temperature!r}.")
        rng, state, written = np.random.default_rng(seed), self._read(start)[-1], ""
        for _ in range(int(length)):
            code = _draw(self._outputs(state)[:-1], rng.random(), float(temperature))
            written += self.alphabet[code]
            state = self._step("", code, state)
        return written

    def _predict(self, text: str) -> str:
        if self.task in WRITING:
            return self._write(text)
        states = self._read(text)
        best = [int(self._outputs(state).argmax()) for state in (states if self.task == "many-to-many" else states[-1:])]
        return self.labels[best[0]] if self.task == "many-to-one" else "".join(self.alphabet[code] for code in best)

    def _write(self, text: str) -> str:
        """Return the output that is written until a mark."""
        mark, state, written = len(self.alphabet), self._read(text)[-1], ""
        for _ in range(LONGEST):
            code = int(self._outputs(state).argmax())
            if code == mark:
                break
            written += self.alphabet[code]
            state = self._step("", code, state)
        return written

    def _read(self, text: str) -> list[np.ndarray]:
        """Return the states after each character; with an encoder, the decoder's after the mark that follows all of them."""
        if not isinstance(text, str) or not text:
            raise ValueError(f"A text must have one character at least, got {text!r}.")
        prefix = "encoder_" if self.task == "encoder-decoder" else ""
        state = self.arrays.get(f"{prefix}first_state", np.zeros_like(self.arrays["bias"]))
        states = []
        for character in text:
            state = self._step(prefix, self._codes.get(character, len(self.alphabet) - 1), state)
            states.append(state)
        return [self._step("", len(self.alphabet), state)] if prefix else states

    def _step(self, prefix: str, code: int, state: np.ndarray) -> np.ndarray:
        """Return tanh(W e(x) + U h + b)."""
        weights, embedding = self.arrays[f"{prefix}input"], self.arrays.get(f"{prefix}embedding")
        given = weights[:, code] if embedding is None else weights @ embedding[code]
        following: np.ndarray = np.tanh(given + self.arrays[f"{prefix}recurrent"] @ state + self.arrays[f"{prefix}bias"])
        return following

    def _outputs(self, state: np.ndarray) -> np.ndarray:
        found: np.ndarray = self.arrays["output"] @ state + self.arrays["output_bias"]
        return found


class Recurrent(PythonModel):
    """The model that MLflow loads."""

    def load_context(self, context: Any) -> None:
        """Read the arrays."""
        self.network = SavedRecurrent(context.artifacts["network"])

    # The exact type np.ndarray tells MLflow that the signature, and no type hint, describes the input.
    def predict(self, context: Any, model_input: np.ndarray, params: dict[str, Any] | None = None) -> np.ndarray:
        """Return the output for each text of the column ``text``, or of a list.

        ``params={"return": "outputs"}`` asks for probabilities instead, (n, k); ``{"return": "sample", "length": 200,
        "temperature": 1.0, "seed": 0}`` for a text that continues each.
        """
        asked: dict[str, Any] = {"return": "labels", "length": 200, "temperature": 1.0, "seed": 0} | (params or {})
        wanted, texts = asked.pop("return"), _texts(model_input)
        if wanted not in ("labels", "outputs", "sample"):
            raise ValueError(f"return must be 'labels', 'outputs' or 'sample', got {wanted!r}.")
        if wanted == "outputs":
            return self.network.probabilities(texts)
        found = [self.network.sample(text, **asked) for text in texts] if wanted == "sample" else self.network.predict(texts)
        return np.array(found, object)


def _texts(rows: Any) -> list[str]:
    """Return the texts of a data frame with one column, a dict of it, a list or an array."""
    values = rows["text"] if hasattr(rows, "columns") or isinstance(rows, dict) else rows
    found: list[str] = np.asarray(list(values), object).ravel().tolist()  # MLflow puts the list of a dict into one cell
    return found


def _draw(outputs: np.ndarray, at: float, temperature: float) -> int:
    """Return the symbol whose share of softmax(z / T) covers a place in [0, 1)."""
    if temperature == 0:
        return int(outputs.argmax())
    z = outputs.astype(np.float64)
    with np.errstate(over="ignore"):  # at a temperature of almost 0
        shares = np.cumsum(np.exp((z - z.max()) / temperature))
    return min(int(np.searchsorted(shares, at * shares[-1], "right")), len(z) - 1)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an npz file; raise for anything that would have to be unpickled."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except Exception as error:
        raise ValueError(f"{path.name} must hold plain arrays of numbers: {error}") from error


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(f"Write it as in: python {sys.argv[0]} network.npz TEXT ...")
    try:
        for found in SavedRecurrent(sys.argv[1]).predict(sys.argv[2:]):
            print(found)  # noqa: T201
    except (OSError, ValueError) as problem:
        sys.exit(f"error: {problem}")
elif set_model is not None:
    set_model(Recurrent())
