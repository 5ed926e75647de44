"""A saved recurrent network: the same bits again, read by NumPy and json alone, and refused where it is damaged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import DataError
from hpsearch.nn import Network, load, save, storage
from hpsearch.nn import recurrent as rnn
from hpsearch.nn.recurrent.sampling import probabilities
from hpsearch.nn.recurrent.storage import as_data
from tests.nn.recurrent.test_gradients import CELLS, EXAMPLES, network, task_network

READER = """
import json, sys
for name in ("hpsearch", "scipy", "sklearn", "mlflow", "pandas"):
    sys.modules[name] = None
import numpy as np
with np.load(sys.argv[1], allow_pickle=False) as file:
    told = json.loads(file["architecture"].item())
    h = np.zeros(told["hidden"])
    for character in "hel":
        h = np.tanh(file["input"][:, told["alphabet"].index(character)] + file["recurrent"] @ h + file["bias"])
    z = np.exp(file["output"] @ h + file["output_bias"])
print(json.dumps((z / z.sum()).tolist()))
"""


@pytest.mark.parametrize("name", CELLS)
def test_a_text_network_comes_back_to_the_bit(name: str, tmp_path: Path) -> None:
    made = network(**CELLS[name])
    rnn.save(made, tmp_path / "net.npz")
    again = rnn.load(tmp_path / "net.npz")
    assert (again.alphabet, again.task, again.labels, again.dtype) == (made.alphabet, made.task, made.labels, made.dtype)
    assert list(again.arrays) == list(made.arrays)
    for key, array in made.arrays.items():
        np.testing.assert_array_equal(array, again.arrays[key])


@pytest.mark.parametrize("task", EXAMPLES)
def test_a_network_of_every_task_comes_back(task: str, tmp_path: Path) -> None:
    made, _ = task_network(task, embedding=2)
    rnn.save(made, tmp_path / "net.npz")
    again = rnn.load(tmp_path / "net.npz")
    np.testing.assert_array_equal(probabilities(made, EXAMPLES[task][0]), probabilities(again, EXAMPLES[task][0]))
    assert rnn.predict(again, EXAMPLES[task][0]) == rnn.predict(made, EXAMPLES[task][0])


def test_numpy_and_json_alone_read_it(tmp_path: Path) -> None:
    made = network()
    rnn.save(made, tmp_path / "net.npz")
    done = subprocess.run(
        [sys.executable, "-I", "-c", READER, str(tmp_path / "net.npz")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(json.loads(done.stdout), probabilities(made, ["hel"])[0], atol=1e-14)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"version": 2}, "Format version of a saved network must be a whole number in"),
        ({"task": "translate"}, "task of a saved network must be one of"),
        ({"alphabet": "aa"}, "An alphabet must be distinct characters"),
        ({"hidden": 6}, "input of a saved network must be float64 of shape \\(6, 5\\), got 'float64 of shape \\(5, 5\\)'"),
        ({"dtype": "float32"}, "must be float32 of shape"),
        ({"labels": ["x"]}, "Alphabet and labels of a saved network must be"),
        ({"kind": None}, "A saved network must be a recurrent one"),
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(change: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    description, arrays = as_data(network())
    storage.write(tmp_path / "net.npz", description | change, arrays)
    with pytest.raises(DataError, match=sentence):
        rnn.load(tmp_path / "net.npz")


def test_a_missing_array_and_another_kind_are_refused(tmp_path: Path) -> None:
    description, arrays = as_data(network())
    arrays.pop("bias")
    storage.write(tmp_path / "net.npz", description, arrays)
    with pytest.raises(DataError, match="differing in bias"):
        rnn.load(tmp_path / "net.npz")
    save(Network.create((3, 2), np.random.default_rng(0)), tmp_path / "flat.npz")
    with pytest.raises(DataError, match="A saved network must be a recurrent one, got 'a fully connected one'"):
        rnn.load(tmp_path / "flat.npz")
    rnn.save(network(), tmp_path / "net.npz")
    with pytest.raises(DataError, match=r"got 'recurrent'. Take hpsearch.nn.recurrent.load"):
        load(tmp_path / "net.npz")


def test_a_file_of_version_1_is_read_for_ever() -> None:
    """Written by the first version of the format; the figures were printed then."""
    again = rnn.load(Path(__file__).with_name("recurrent-1.npz"))
    assert (again.alphabet.characters, again.cell.units) == (f"ehlo{rnn.OTHER}", 3)
    expected = [
        [0.290821, 0.168212, 0.226226, 0.24187, 0.07287],
        [0.172203, 0.246521, 0.248716, 0.208532, 0.124027],
    ]
    np.testing.assert_allclose(probabilities(again, ["hel", "!"]), expected, atol=1e-6)
