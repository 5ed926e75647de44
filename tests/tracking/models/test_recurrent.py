"""A logged recurrent network gives the same texts and probabilities: without hpsearch, without a pickle, by NumPy alone."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch import Float, Space, Study
from hpsearch.nn import recurrent as rnn
from hpsearch.nn.recurrent.sampling import probabilities
from hpsearch.objectives import TrainRNN
from hpsearch.ports import Context
from hpsearch.strategies import Random
from hpsearch.tracking import MlflowTracker
from hpsearch.tracking.models import READER_OF_RECURRENT, log
from tests.objectives.test_recurrent import OBJECTIVE, SEQUENCES, sequences

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow's own, on its own type hints
    from hpsearch.tracking.models.pyfunc_recurrent import SavedRecurrent

BLOCKED = "import sys\nfor name in {names!r}:\n    sys.modules[name] = None\n"
ELSEWHERE = """
import json
import mlflow.pyfunc, pandas
found = {}
for task, texts in json.loads(sys.argv[1]).items():
    model, frame = mlflow.pyfunc.load_model(task + "/model"), pandas.DataFrame({"text": texts})
    found[task] = {
        "labels": list(model.predict(frame)),
        "outputs": model.predict(frame, params={"return": "outputs"}).tolist(),
    }
    if task == "text":
        found["sample"] = list(model.predict(frame, params={"return": "sample", "length": 20, "seed": 3}))
print(json.dumps(found))
"""


def objective(task: str) -> TrainRNN:
    return OBJECTIVE if task == "text" else sequences(task, epochs=3, embedding=4)


def python(code: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-W", "ignore", "-c", code, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_mlflow_gives_the_same_where_hpsearch_is_not_installed(tmp_path: Path) -> None:
    params, networks = {"learning_rate": 0.01}, {}
    for task in ("text", "encoder-decoder"):
        one, folder = objective(task), tmp_path / task
        folder.mkdir()
        log.save(folder, one.export(params, Context(np.random.default_rng(0))))
        networks[task] = one.network(params, Context(np.random.default_rng(0)))
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".pkl", ".pickle")]
    texts = {
        "text": ["the old ", "a", "§ un"],
        "encoder-decoder": list(objective("encoder-decoder").data.validation.inputs[:3]),
    }
    blocked = BLOCKED.format(names={"hpsearch", "sklearn", "scipy.sparse"})
    done = python(blocked + ELSEWHERE, tmp_path, json.dumps(texts))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for task, network in networks.items():
        assert found[task]["labels"] == rnn.predict(network, texts[task])
        np.testing.assert_allclose(found[task]["outputs"], probabilities(network, texts[task]), atol=1e-12)
    continued = [rnn.sample(networks["text"], 20, np.random.default_rng(3), start=text) for text in texts["text"]]
    assert found["sample"] == continued


@pytest.mark.parametrize("task", ["text", *SEQUENCES])
def test_the_reader_with_numpy_alone_gives_the_same(task: str, tmp_path: Path) -> None:
    one, params = objective(task), {"learning_rate": 0.01}
    network = one.network(params, Context(np.random.default_rng(0)))
    rnn.save(network, tmp_path / "net.npz")
    (tmp_path / "net_predict.py").write_bytes(READER_OF_RECURRENT.read_bytes())
    texts = ["th", '"A'] if task == "text" else list(dict.fromkeys(one.data.validation.inputs))[:3]
    names = {"hpsearch", "sklearn", "mlflow", "pandas", "scipy"}
    code = (
        BLOCKED.format(names=names) + "import runpy\nsys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0], run_name='__main__')"
    )
    done = python(code, tmp_path, "net_predict.py", "net.npz", *texts)
    assert done.stdout == "".join(f"{text}\n" for text in rnn.predict(network, texts)), done.stderr
    saved = SavedRecurrent(tmp_path / "net.npz")
    np.testing.assert_allclose(saved.probabilities(texts), probabilities(network, texts), atol=1e-12)


def test_a_study_logs_its_best_network(tmp_path: Path) -> None:
    import mlflow.pyfunc

    study = Study("told", Space(learning_rate=Float(0.005, 0.02)), OBJECTIVE, Random(trials=2))
    tracker = MlflowTracker(root=tmp_path)
    result = study.run(1, backend="sequential", tracker=tracker, report=False)
    assert result.model is not None
    mlflow.set_tracking_uri(tracker.store.uri)
    loaded: Any = mlflow.pyfunc.load_model(result.model)
    network = result.network()
    assert isinstance(network, rnn.RecurrentNetwork)
    assert list(loaded.predict({"text": ["the "]})) == rnn.predict(network, ["the "])
    with pytest.raises(mlflow.exceptions.MlflowException, match=r"missing inputs \['text'\]"):
        loaded.predict(["the "])


def test_bad_input_is_refused_in_one_sentence(tmp_path: Path) -> None:
    rnn.save(OBJECTIVE.network({"learning_rate": 0.01}, Context(np.random.default_rng(0), budget=1)), tmp_path / "net.npz")
    saved = SavedRecurrent(tmp_path / "net.npz")
    with pytest.raises(ValueError, match="A text must have one character at least, got ''"):
        saved.predict(["a", ""])
    with pytest.raises(ValueError, match="A text must have one character at least, got 3"):
        saved.predict([3])  # type: ignore[list-item]
    np.savez(tmp_path / "other.npz", architecture=np.array(json.dumps({"version": 2, "layers": []})))
    with pytest.raises(ValueError, match=r"The file must hold a recurrent network, got another kind of file: other\.npz"):
        SavedRecurrent(tmp_path / "other.npz")
    np.savez(tmp_path / "none.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match=r"The file must hold a recurrent network, got another kind of file: none\.npz"):
        SavedRecurrent(tmp_path / "none.npz")
    np.savez(tmp_path / "newer.npz", architecture=np.array(json.dumps({"version": 2, "kind": "recurrent"})))
    with pytest.raises(ValueError, match=r"The version of the file must be 1, got 2\. Take the reader"):
        SavedRecurrent(tmp_path / "newer.npz")
    for length, temperature in ((5, -1.0), (5, float("nan")), (-5, 1.0)):
        with pytest.raises(ValueError, match=f"length and temperature must be 0 or more, got {length} and {temperature}"):
            saved.sample("a", length, temperature)
    assert saved.probabilities([]).shape == (0, len(saved.alphabet))
    (tmp_path / "bad.npz").write_bytes(b"\x80\x04")
    with pytest.raises(ValueError, match=r"bad.npz must hold plain arrays of numbers"):
        SavedRecurrent(tmp_path / "bad.npz")
