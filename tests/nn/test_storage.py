"""A network in a file: the same bits in another process, readable without this package, harmless whatever the file is."""

from __future__ import annotations

import io
import json
import pickle
import re
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import DataError
from hpsearch.nn import Network, load, save
from hpsearch.nn.activations import ACTIVATIONS, Elu, LeakyRelu
from hpsearch.nn.costs import COSTS
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.plain_data import VERSION
from hpsearch.nn.table_network import TableNetwork

HERE = Path(__file__).parent
ROW = np.array([[1.0, -2.0, 0.5, 3.0]])
# Worked out from the files' arrays with NumPy's own exp, expm1 and tanh and the published formulas, when they were written.
KEPT = {
    1: ("log_likelihood", [[0.92781807, 0.07218193]]),
    2: ("quadratic", [[0.41512928, 0.55616739]]),
    3: ("log_likelihood", [[0.11498194, 0.88501806], [0.16154333, 0.83845667]]),
}
# Of version 3, a network with the encoding of its inputs.
TABLE = {"age": [48, None], "city": ["Rome", None], "member": [True, False]}


def network(**settings: Any) -> Network:
    return Network.create((4, 6, 5, 3), np.random.default_rng(1), **settings)


def assert_same(one: Network, other: Network) -> None:
    assert (one.cost_name, one.dtype, one.activation) == (other.cost_name, other.dtype, other.activation)
    for ours, theirs in zip(one.weights + one.biases, other.weights + other.biases, strict=True):
        assert (ours.tobytes(), ours.shape) == (theirs.tobytes(), theirs.shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_kind_comes_back_to_the_bit(dtype: str, tmp_path: Path) -> None:
    for activation, cost in product([*ACTIVATIONS, LeakyRelu(0.3), Elu(0.5)], COSTS):
        saved = network(activation=activation, cost=cost, dtype=dtype)
        save(saved, tmp_path / "network.npz")
        assert_same(load(tmp_path / "network.npz"), saved)


def test_a_network_without_hidden_layer_comes_back(tmp_path: Path) -> None:
    saved = Network.create((4, 3), np.random.default_rng(0))
    save(saved, tmp_path / "flat.npz")
    assert_same(load(tmp_path / "flat.npz"), saved)


def test_numbers_that_are_hard_to_write_come_back(tmp_path: Path) -> None:
    saved = network()
    saved.weights[0][0] = [np.nan, -np.inf, -0.0, 1e-45]
    save(saved, str(tmp_path / "hard"))  # the path is taken as it is, a text too
    assert_same(load(str(tmp_path / "hard")), saved)


def test_another_process_gives_the_same_answers(tmp_path: Path) -> None:
    saved, x = network(), np.random.default_rng(2).standard_normal((20, 4), np.float32)
    save(saved, tmp_path / "network.npz")
    np.save(tmp_path / "x.npy", x)
    code = (
        "import numpy as np; from hpsearch.nn import load\n"
        "np.save('answer.npy', load('network.npz').forward(np.load('x.npy', allow_pickle=False)))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert np.load(tmp_path / "answer.npy", allow_pickle=False).tobytes() == saved.forward(x).tobytes()


def test_numpy_and_json_alone_read_it(tmp_path: Path) -> None:
    """The lines of the docstring; the forward pass is written out."""
    saved = network(activation="tanh", cost="log_likelihood", dtype="float64")
    save(saved, tmp_path / "digits.npz")
    with np.load(tmp_path / "digits.npz", allow_pickle=False) as file:
        told = json.loads(file["architecture"].item())
        z = ROW.T
        for i, layer in enumerate(told["layers"]):
            assert file[f"weights_{i}"].shape == (layer["units"], layer["inputs"])
            z = file[f"weights_{i}"] @ (np.tanh(z) if i else z) + file[f"biases_{i}"][:, None]
    assert [layer["activation"] for layer in told["layers"]] == ["tanh", "tanh", "softmax"]
    np.testing.assert_allclose(saved.forward(ROW), (np.exp(z) / np.exp(z).sum()).T, rtol=1e-12)


def test_a_file_of_every_version_is_kept() -> None:
    """That of the newest one pins today's format: its known answers are in `KEPT`."""
    assert list(KEPT) == list(range(1, VERSION + 1))
    assert {path.name for path in HERE.glob("*.npz")} == {f"network-{version}.npz" for version in KEPT}


@pytest.mark.parametrize("version", KEPT)
def test_files_of_every_version_are_read(version: int) -> None:
    with np.load(HERE / f"network-{version}.npz", allow_pickle=False) as file:
        assert json.loads(file["architecture"].item())["version"] == version
    kept, (cost, outputs) = load(HERE / f"network-{version}.npz"), KEPT[version]
    assert (kept.network if isinstance(kept, TableNetwork) else kept).cost_name == cost
    np.testing.assert_allclose(kept.forward(TABLE if version == VERSION else ROW), outputs, rtol=1e-6)


@pytest.mark.parametrize("version", [2, VERSION])
def test_the_file_of_todays_version_is_written_as_it_was(version: int, tmp_path: Path) -> None:
    """The pin of the format: the kept file, read and saved again, has the same words and the same arrays, to the bit.

    A network whose inputs are not encoded is still written in version 2, which earlier readers know.
    """
    kept, again = HERE / f"network-{version}.npz", tmp_path / "again.npz"
    save(load(kept), again)
    with np.load(kept, allow_pickle=False) as was, np.load(again, allow_pickle=False) as now:
        assert now.files == was.files
        for name in was.files:
            assert (now[name].dtype, now[name].shape) == (was[name].dtype, was[name].shape)
            assert now[name].tobytes() == was[name].tobytes()


def written(path: Path, told: Any = None, arrays: dict[str, Any] | None = None, **changes: Any) -> Path:
    """Write a file that is right but for the changes."""
    save(network(), path)
    with np.load(path, allow_pickle=False) as file:
        inside = {name: file[name] for name in file.files}
    words = json.loads(inside.pop("architecture").item()) | changes
    text = told if isinstance(told, str) else json.dumps(words if told is None else told)
    np.savez(path, architecture=np.array(text), **{**inside, **(arrays or {})})
    return path


def refused(path: Path) -> str:
    """Return the one sentence, with its advice, that a file is refused with."""
    with pytest.raises(DataError) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    return str(caught.value)


LAYER = {"units": 3, "inputs": 4, "activation": "sigmoid"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"version": VERSION + 1},
            rf"Format version .* must be a whole number in \[1, {VERSION}\], got {VERSION + 1}\. Take the hpsearch",
        ),
        ({"version": 0}, r"Format version of a saved network must be a whole number in \[1, "),
        ({"version": True}, r"Format version of a saved network must be a whole number in \[1, "),
        ({"version": "2"}, r"Format version of a saved network must be a whole number in \[1, "),
        ({"dtype": "float16"}, "dtype of a saved network must be one of 'float32', 'float64', got 'float16'"),
        ({"cost": "crossentropy"}, "cost of a saved network must be one of .* Did you mean 'cross_entropy'"),
        ({"cost": None}, "cost of a saved network must be one of .* got None"),
        ({"cost": "log_likelihood"}, "Output units of a saved network with cost 'log_likelihood' must be 'softmax', got 'sig"),
        ({"layers": []}, r"Layers of a saved network must be a list with one at least, got \[\]"),
        ({"layers": {"0": LAYER}}, "Layers of a saved network must be a list"),
        ({"layers": [3]}, "Layers of a saved network must be a list"),
        ({"layers": {}, "version": 1}, "Layers of a saved network must be a list"),
        ({"layers": [LAYER]}, "Arrays of a saved network must be those of its 1 layers, got 'differing in biases_1, biases_2"),
        (
            {"layers": [LAYER] * 3},
            r"weights_0 of a saved network must be float32 of shape \(3, 4\), got 'float32 of",
        ),
        ({"layers": [{"activation": "sigmoid"}] * 3}, r"weights_0 of a saved network must be float32 of shape \(None, None\)"),
        ({"dtype": "float64"}, r"weights_0 of a saved network must be float64 of shape \(6, 4\), got 'float32"),
        ({"arrays": {"weights_3": np.ones(2)}}, "must be those of its 3 layers, got 'differing in weights_3'"),
        (
            {"arrays": {"biases_1": np.ones((2, 1))}},
            r"biases_1 of a saved network must be float32 of shape \(5,\), got 'f",
        ),
        ({"arrays": {"biases_1": np.array("much")}}, r"biases_1 of a saved network must be float32 of shape \(5,\), got 'str"),
        ({"told": "{"}, "must be one of plain arrays and JSON, got 'architecture that is not JSON'"),
        ({"told": "[" * 100_000}, "must be one of plain arrays and JSON, got 'architecture that is not JSON'"),
        ({"told": [1]}, "got 'architecture that is list'"),
    ],
)
def test_what_is_told_must_fit_the_arrays(changes: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    assert re.search(sentence, refused(written(tmp_path / "changed.npz", **changes)))


@pytest.mark.parametrize(
    ("activation", "sentence"),
    [
        ({"activation": "swish"}, "activation of a saved network must be one of .* got 'swish'"),
        ({"activation": ["tanh"]}, "activation of a saved network must be one of"),
        ({"activation": "elu"}, r"Settings of activation 'elu' of a saved network must be alpha, got \{\}"),
        ({"activation": "tanh", "settings": {"alpha": 1}}, "Settings of activation 'tanh' of a saved network must be none"),
        ({"activation": "elu", "settings": {"alpha": -1}}, r"Elu alpha must be a number in \(0, inf\), got -1"),
        ({"activation": "elu", "settings": [1]}, "Settings of activation 'elu' of a saved network must be alpha"),
    ],
)
def test_an_activation_must_be_known(activation: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    sizes = [(6, 4), (5, 6), (3, 5)]
    layers = [{"units": units, "inputs": inputs, **activation} for units, inputs in sizes]
    layers[-1] = {"units": 3, "inputs": 5, "activation": "sigmoid"}
    assert re.search(sentence, refused(written(tmp_path / "changed.npz", layers=layers)))


def test_hidden_layers_are_of_one_kind(tmp_path: Path) -> None:
    names = [(6, 4, "tanh"), (5, 6, "relu"), (3, 5, "sigmoid")]
    layers = [{"units": units, "inputs": inputs, "activation": name} for units, inputs, name in names]
    sentence = "Activation of a saved network must be the same in all hidden layers, got ['tanh', 'relu']"
    assert sentence in refused(written(tmp_path / "mixed.npz", layers=layers))


class Mark:
    """Unpickling one leaves a mark."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_never_opened(protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "network.pkl"
    path.write_bytes(pickle.dumps(Mark(tmp_path / "went off"), protocol))
    assert ("a pickle" in refused(path)) == (protocol >= 2)  # the older ones are text, and another kind of file
    assert not (tmp_path / "went off").exists()


@pytest.mark.parametrize("name", ["weights_0", "architecture"])
def test_an_array_of_objects_is_never_opened(name: str, tmp_path: Path) -> None:
    path = tmp_path / "objects.npz"
    arrays: dict[str, Any] = {"architecture": np.array("{}"), name: np.array([Mark(tmp_path / "went off")], object)}
    np.savez(path, **arrays)
    assert "Object arrays cannot be loaded" in refused(path)
    assert not (tmp_path / "went off").exists()


def npy(header: str) -> bytes:
    """Return an array's file that says what it likes of itself."""
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(64)


def archive(path: Path, contents: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in contents.items():
            file.writestr(name, content)
    return path


def bomb(path: Path) -> Path:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(1 << 25, np.float32))  # 128 MB in an eighth of a megabyte
    return archive(path, {"weights_0.npy": buffer.getvalue()}, zipfile.ZIP_DEFLATED)


def greedy(path: Path) -> Path:
    return archive(path, {"weights_0.npy": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }\n")})


def crafted(path: Path) -> Path:
    return archive(path, {"weights_0.npy": npy("{'descr': __import__('os').getcwd(), 'shape': (1,)}\n")})


def no_array(path: Path) -> Path:
    return archive(path, {"weights_0": b"plain text"})


def other_kind(path: Path) -> Path:
    np.save(path.with_suffix(".npy"), np.ones(3))
    return path.with_suffix(".npy")


def empty(path: Path) -> Path:
    path.touch()
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def without_words(path: Path) -> Path:
    np.savez(path, weights_0=np.ones((2, 2)))
    return path


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (bomb, r"got 'one of \d+ bytes that unpacks to 134217856'\. Do not trust it"),
        (greedy, r"got 'one of \d+ bytes that unpacks to 4000000000000'"),
        (crafted, "got .a damaged or foreign one"),
        (no_array, "got .a damaged or foreign one .the magic string is not correct"),
        (other_kind, "got 'another kind of file'"),
        (empty, "got 'an empty file'"),
        (folder, "got 'Is a directory'"),
        (without_words, r"got .one without 'architecture'"),
        (lambda path: path, "got 'No such file or directory'. Check the path"),
    ],
)
def test_hostile_and_foreign_files_are_refused(make: Callable[[Path], Path], sentence: str, tmp_path: Path) -> None:
    path = make(tmp_path / "network.npz")
    tracemalloc.start()
    said = refused(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert re.search(sentence, said)
    assert peak < 20e6


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    path = written(tmp_path / "network.npz")
    content = path.read_bytes()
    for end in range(0, len(content), 41):
        path.write_bytes(content[:end])
        assert "must be one of plain arrays and JSON, got" in refused(path)


def test_a_damaged_byte_is_noticed_or_harmless(tmp_path: Path) -> None:
    """The checksums of the archive cover what counts."""
    path, saved = tmp_path / "network.npz", network()
    save(saved, path)
    content = path.read_bytes()
    for place in range(0, len(content), 17):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        with suppress(DataError):
            assert_same(load(path), saved)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path, saved = tmp_path / "network.npz", network()
    save(saved, path)
    spoilt = network()
    spoilt.weights[1] = np.array([[object()]])
    with pytest.raises(DataError, match=r"network.npz' must be writable, from plain arrays, got .*Object arrays"):
        save(spoilt, path)
    assert_same(load(path), saved)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("name", "reason"), [("nowhere/network.npz", "No such file"), (".", "Is a directory")])
def test_where_nothing_can_be_written_it_says_so(name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"must be writable, from plain arrays, got '{reason}.* Choose a folder"):
        save(network(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_kill_while_it_is_saved_leaves_a_whole_file(tmp_path: Path) -> None:
    code = (
        "import numpy as np; from hpsearch.nn import Network, save\n"
        "network = Network.create((500, 500, 10), np.random.default_rng(0))\n"
        "while True: save(network, 'network.npz'); print('saved', flush=True)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as said:
        for _ in range(5):
            said.readline()
        process.kill()
        process.wait()
    assert load(tmp_path / "network.npz").sizes == (500, 500, 10)


def test_an_ensemble_is_one_file_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ensemble = Ensemble([Network.create((4, 3, 2), rng) for _ in range(3)])
    save(ensemble, tmp_path / "three.npz")
    loaded = load(tmp_path / "three.npz")
    x = rng.random((5, 4), np.float32)
    assert isinstance(loaded, Ensemble)
    assert (loaded.forward(x) == ensemble.forward(x)).all()
    with np.load(tmp_path / "three.npz") as file:
        told, arrays = json.loads(file["architecture"].item()), {name: file[name] for name in file.files}
    np.savez(tmp_path / "four.npz", **(arrays | {"architecture": np.array(json.dumps(told | {"members": 4}))}))
    with pytest.raises(DataError, match=r"differing in biases_0, biases_1, weights_0, weights_1"):
        load(tmp_path / "four.npz")
    np.savez(tmp_path / "two.npz", **(arrays | {"architecture": np.array(json.dumps(told | {"members": 2}))}))
    with pytest.raises(DataError, match=r"those of its 2 members, got 'member_2_\w+'"):
        load(tmp_path / "two.npz")
