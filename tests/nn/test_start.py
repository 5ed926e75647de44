"""First weights from a trained network: which layers are taken, which are new, and shapes that do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import SettingError
from hpsearch.nn import Ensemble, Network, save, train
from hpsearch.nn.saved_network import SavedNetwork
from hpsearch.nn.start import Start
from hpsearch.nn.train import prepare
from tests.nn.blobs import CLASSES, INPUTS, blobs

HIDDEN = (5, 4)


def trained(outputs: int = CLASSES, hidden: tuple[int, ...] = HIDDEN, **options: Any) -> Network:
    return Network.create((INPUTS, *hidden, outputs), np.random.default_rng(9), **options)


def layers_alike(one: Network, other: Network) -> list[bool]:
    pairs = zip(one.weights, other.weights, one.biases, other.biases, strict=True)
    return [w.tobytes() == v.tobytes() and b.tobytes() == c.tobytes() for w, v, b, c in pairs]


@pytest.mark.parametrize(
    ("outputs", "new_layers", "alike"),
    [(CLASSES, None, 3), (CLASSES, 0, 3), (CLASSES, 1, 2), (CLASSES, 2, 1), (CLASSES, 3, 0), (10, None, 2), (10, 2, 1)],
)
def test_lower_layers_begin_as_they_were_and_upper_ones_anew(outputs: int, new_layers: int | None, alike: int) -> None:
    start = trained(outputs)
    begun = prepare(blobs(), start=start, new_layers=new_layers, seed=5).network
    scratch = prepare(blobs(), hidden=HIDDEN, seed=5).network
    if outputs == CLASSES:
        assert layers_alike(begun, start) == [True] * alike + [False] * (3 - alike)
    assert begun.weights[alike - 1].tobytes() == start.weights[alike - 1].tobytes() or alike == 0
    # What is new is what a training from scratch begins with, so that both may be compared under one seed.
    assert layers_alike(begun, scratch) == [False] * alike + [True] * (3 - alike)


def test_training_starts_from_a_file_and_leaves_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    start = train(blobs(), hidden=HIDDEN, activation="tanh", epochs=5)
    save(start, path)
    content = path.read_bytes()
    found = train(blobs(), start=path, freeze=2, epochs=3)
    assert isinstance(found, Network)
    assert isinstance(start, Network)
    assert layers_alike(found, start) == [True, True, False]
    assert found.hidden_function == "tanh"
    assert path.read_bytes() == content


def test_a_network_passed_on_is_not_changed() -> None:
    start = trained()
    before = [w.tobytes() for w in start.weights]
    train(blobs(), start=start, epochs=2)
    assert [w.tobytes() for w in start.weights] == before


def test_linear_layer_first_and_then_all_is_one_training_or_two() -> None:
    start, options = trained(), {"momentum": 0.0, "seed": 1, "learning_rate": 0.2}
    both = train(blobs(), start=start, freeze=2, freeze_epochs=3, epochs=3, **options)  # type: ignore[arg-type]
    first = train(blobs(), start=start, freeze=2, epochs=3, **options)  # type: ignore[arg-type]
    assert layers_alike(both, first) == [True, True, True]  # type: ignore[arg-type]
    then = train(blobs(), start=first, epochs=3, **options)  # type: ignore[arg-type]
    assert layers_alike(then, first) == [False, False, False]  # type: ignore[arg-type]


def test_a_start_of_float64_is_rounded_to_the_dtype() -> None:
    start = trained(dtype="float64")
    begun = prepare(blobs(), start=start, dtype="float32").network
    assert begun.dtype == np.float32
    assert begun.weights[0].tobytes() == start.weights[0].astype(np.float32).tobytes()


def test_outputs_for_numbers_are_new() -> None:
    start = Start(SavedNetwork.of("start", trained(outputs=1, cost="squared_error")), same_outputs=False)
    assert start.layers((INPUTS, *HIDDEN, 1), start.network.activation) == 2


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "other widths": ({"hidden": (7, 4)}, r"hidden must be \(5, 4\), as in the network of start, got \(7, 4\)\. Layers above"),
    "deeper": ({"hidden": (5, 4, 4)}, r"hidden must be \(5, 4\), as in the network of start, got \(5, 4, 4\)\."),
    "fewer layers": ({"hidden": 5}, r"hidden must be \(5, 4\), as in the network of start, got \(5,\)\."),
    "another function": ({"activation": "relu"}, r"activation must be 'sigmoid', as in the network of start, got 'relu'\."),
    "too many new": ({"new_layers": 4}, r"new_layers must be at most 3, the number of layers, got 4\."),
    "no number": ({"new_layers": "1"}, r"new_layers must be a whole number >= 0, got '1'\."),
    "other outputs": (
        {"start": trained(7), "new_layers": 0},
        r"new_layers must be left out, or at least 1, got 0\. The data have 3 outputs, and the network of start has 7\.",
    ),
    "an ensemble": (
        {"start": Ensemble([trained(), trained()])},
        r"start must be a single network that takes rows as they are, got 'an ensemble of 2'\.",
    ),
    "nothing to be new beside": (
        {"start": None, "new_layers": 1},
        r"new_layers must be left out without start, got 1\. All layers are new then\.",
    ),
    "normalised": ({"batch_norm": True}, r"batch_norm must be False with start, got True\. A saved network has its norm"),
    "frozen more than there are": ({"freeze": 3}, r"freeze must be at most 2, the number of hidden layers, got 3\."),
}


@pytest.mark.parametrize(("options", "sentence"), REFUSED.values(), ids=REFUSED)
def test_refuses_in_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=f"^{sentence}"):
        prepare(blobs(), **{"start": trained(), **options})


def test_refuses_rows_of_another_width() -> None:
    x, labels = blobs()
    with pytest.raises(SettingError, match=r"^Columns of the data must be 6, as in the network of start, got 4\. Scale the"):
        prepare((x[:, :4], labels), start=trained())
