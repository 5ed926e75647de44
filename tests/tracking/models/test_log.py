"""A logged network answers as the one that was trained: without hpsearch, without a pickle, wherever the store is."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hpsearch import Float, Space, Study, data
from hpsearch.errors import TrackingError
from hpsearch.nn import Network, export, load, plain_data
from hpsearch.nn.activations import ACTIVATIONS, Elu, LeakyRelu, Maxout
from hpsearch.nn.costs import COSTS
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Exported
from hpsearch.search.result import Result
from hpsearch.strategies import Random
from hpsearch.tracking import MlflowTracker, Store
from hpsearch.tracking.models import log
from hpsearch.tracking.runs import deletion
from hpsearch.tracking.store import server
from tests.tracking.sample import plain, record, tracked

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow's own, on its own type hints
    from hpsearch.tracking.models import pyfunc_network

DIGITS = data.digits()
STUDY = Study(
    "digits",
    Space(learning_rate=Float(0.05, 1.0, log=True)),
    TrainNetwork(DIGITS, hidden=(10,), epochs=3, cost="log_likelihood"),
    Random(trials=3),
)
# What somebody does who has MLflow and NumPy, but not hpsearch.
ELSEWHERE = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("hpsearch", "sklearn"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
import mlflow, numpy as np, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
network = mlflow.pyfunc.load_model(sys.argv[2])
x = np.load(sys.argv[3])
np.savez(sys.argv[4], outputs=network.predict(x), labels=network.predict(x, params={"return": "labels"}),
         frame=network.predict(pd.DataFrame(x)))
"""


def elsewhere(uri: str, address: str | None, folder: Path) -> dict[str, np.ndarray]:
    """Return what the model answers to the validation rows in a process that cannot import hpsearch."""
    np.save(folder / "x.npy", DIGITS.validation.x)
    paths = str(folder / "x.npy"), str(folder / "answers.npz")
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, uri, str(address), *paths],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(np.load(paths[1], allow_pickle=False))


def trained(result: Result) -> Network:
    """Return the best trial's network, trained once more."""
    from hpsearch.execution.task import trial_context

    task = STUDY.task(result.best)
    return STUDY.objective.network(task.params, trial_context(task))  # type: ignore[attr-defined, no-any-return]


def run(tracker: MlflowTracker, **options: Any) -> Result:
    return STUDY.run(1, backend="sequential", tracker=tracker, report=False, **options)


@contextmanager
def served(root: Path) -> Iterator[str]:
    """Run MLflow's server as people start it, which keeps the artifacts itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", Store.open(None, root).uri, "--workers", "1"]
    command += ["--artifacts-destination", str(root / "kept"), "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (root / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        server.wait_until_up(server.Server(f"http://127.0.0.1:{port}", process), root / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.Server("", process).stop()


def test_it_answers_alike_where_hpsearch_is_missing(tracker: MlflowTracker, tmp_path: Path) -> None:
    """The recorded accuracy was counted by other code, when the trial ran."""
    result = run(tracker)
    answers, x = elsewhere(tracker.store.uri, result.model, tmp_path), DIGITS.validation.x
    outputs = trained(result).forward(x)
    np.testing.assert_allclose(answers["outputs"], outputs, rtol=0, atol=1e-6)
    assert (answers["outputs"].argmax(axis=1) == outputs.argmax(axis=1)).all()
    assert (answers["frame"] == answers["outputs"]).all()
    assert answers["outputs"].dtype == np.float32
    right = np.mean(answers["labels"] == np.array(DIGITS.class_names)[DIGITS.validation.y])
    assert right == result.best.outcome.metrics["best_validation_accuracy"]  # type: ignore[union-attr]


@pytest.mark.campaign
def test_a_server_keeps_it_as_well(tmp_path: Path, root: Path) -> None:
    """MLflow's server with its own settings hands the files on by itself, so that they travel through HTTP."""
    with served(root) as url:
        result = run(MlflowTracker(url, tmp_path))
        answers = elsewhere(url, result.model, tmp_path)
    np.testing.assert_allclose(answers["outputs"], trained(result).forward(DIGITS.validation.x), rtol=0, atol=1e-6)


def test_nothing_is_pickled_and_nothing_else_is_needed(tracker: MlflowTracker, root: Path) -> None:
    run(tracker)
    (folder,) = (root / "mlruns" / "artifacts" / "digits" / "models").iterdir()
    files = {path.relative_to(folder / "artifacts").as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt", "input_example.json", "serving_input_example.json",
        "pyfunc_network.py", "artifacts/network.npz",
    }  # fmt: skip
    needed = (folder / "artifacts" / "requirements.txt").read_text().split()
    assert [re.split("[<>=]", line)[0] for line in needed] == ["mlflow", "numpy"]


def test_its_page_and_the_runs_tell_of_it(tracker: MlflowTracker) -> None:
    result = run(tracker)
    client, study = tracker.store.client, tracker._open()
    (found,) = client.search_logged_models([study.parent.info.experiment_id])
    best = study.queue.runs[result.best.number]
    assert result.model == f"models:/{found.model_id}"
    assert (found.name, found.source_run_id, str(found.status)) == (f"trial-{result.best.number:03d}", best, "READY")
    assert found.params == STUDY.space.text(result.best.params)
    assert [(point.key, point.value) for point in found.metrics] == [("value", result.best.value)]
    note = found.tags["mlflow.note.content"]
    assert note.startswith(f"The network of trial {result.best.number} of `digits`: validation error ")
    for run_id in (best, study.run_id):
        stored = client.get_run(run_id)
        assert [output.model_id for output in stored.outputs.model_outputs] == [found.model_id]
    assert stored.data.tags[log.TAG] == result.model
    assert len(client.get_metric_history(best, "value")) == 1


def test_the_runs_keep_their_end(tracker: MlflowTracker) -> None:
    result = run(tracker, model=False)
    client, study = tracker.store.client, tracker._open()
    runs = (study.run_id, study.queue.runs[result.best.number])
    ends = [client.get_run(run_id).info.end_time for run_id in runs]
    result.log_model()
    assert [client.get_run(run_id).info.end_time for run_id in runs] == ends


def test_a_signature_and_an_example_go_with_it(tracker: MlflowTracker) -> None:
    from mlflow.models import Model

    run(tracker)
    (folder,) = tracker.store.artifacts.glob("digits/models/*/artifacts")
    info = Model.load(folder)
    assert str(info.signature.inputs) == "[Tensor('float32', (-1, 64))]"
    assert str(info.signature.outputs) == "[Tensor('float32', (-1, 10))]"
    assert info.saved_input_example_info["type"] == "ndarray"


def test_mlflow_makes_no_store_of_its_own_on_the_way(
    tracker: MlflowTracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    run(tracker)
    assert list(Path.cwd().iterdir()) == []


def test_it_is_logged_once(root: Path) -> None:
    first = run(MlflowTracker(root=root))
    again = run(MlflowTracker(root=root))
    assert again.model == first.model
    (parent,) = (root / "mlruns" / "artifacts" / "digits" / "models").iterdir()
    assert first.model is not None
    assert parent.name in first.model


def test_a_later_process_trains_it_again_to_the_same_bits(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The state is gone and the record comes from the store, curves and all."""
    run(MlflowTracker(root=root), model=False)
    tracker = MlflowTracker(root=root)
    result = STUDY.result(tracker)
    address = result.log_model()
    (found,) = tracker.store.client.search_logged_models([tracker._open().parent.info.experiment_id])
    assert (f"models:/{found.model_id}", found.tags.get("hpsearch.note")) == (address, None)
    assert caplog.messages == []
    (folder,) = tracker.store.artifacts.glob("digits/models/*/artifacts/artifacts")
    (layers,), _, columns, _ = pyfunc_network.read(folder / "network.npz")
    assert columns is None
    network = trained(result)
    for (weights, biases, _), own, bias in zip(layers, network.weights, network.biases, strict=True):
        assert (weights == own).all()
        assert (biases == bias).all()


def test_its_file_is_the_one_that_a_network_is_saved_to(tracker: MlflowTracker) -> None:
    result = run(tracker)
    (file,) = tracker.store.artifacts.glob("digits/models/*/artifacts/artifacts/network.npz")
    network = load(file)
    assert network.cost_name == "log_likelihood"
    assert all((ours == theirs).all() for ours, theirs in zip(network.weights, trained(result).weights, strict=True))


def test_a_model_that_is_not_quite_the_recorded_one_says_so(tracker: MlflowTracker, caplog: pytest.LogCaptureFixture) -> None:
    tracker.start(tracked())
    tracker.record(plain(0))
    tracker.finish("finished", [])
    tracker.keep_model(record(), plain(0), lambda: exported(note="It came out differently."))
    (found,) = tracker.store.client.search_logged_models([tracker._open().parent.info.experiment_id])
    assert found.tags["hpsearch.note"] == "It came out differently."
    assert found.tags["mlflow.note.content"].endswith("\n\nIt came out differently.")
    assert caplog.messages == ["It came out differently."]


def test_what_a_kill_left_half_written_is_written_anew(tracker: MlflowTracker) -> None:
    result = run(tracker, model=False)
    study, client = tracker._open(), tracker.store.client
    run_id, experiment_id = study.queue.runs[result.best.number], study.parent.info.experiment_id
    half = client.create_logged_model(experiment_id, "half", run_id)
    address = result.log_model()
    assert [f"models:/{found.model_id}" for found in client.search_logged_models([experiment_id])] == [address]
    assert half.model_id not in address


def test_a_moved_project_still_loads_it(tracker: MlflowTracker, root: Path, tmp_path: Path) -> None:
    result = run(tracker)
    moved = tmp_path / "moved"
    shutil.copytree(root, moved)
    shutil.rmtree(root / "mlruns" / "artifacts")
    uri = Store.open(None, moved).uri
    assert len(elsewhere(uri, result.model, tmp_path)["labels"]) == len(DIGITS.validation)


def test_it_goes_with_its_study(tracker: MlflowTracker, root: Path) -> None:
    result = run(tracker)
    assert deletion.delete_study(tracker.store, "digits").startswith("Study 'digits' is deleted: 4 runs")
    assert not list(root.rglob("network.npz"))
    assert result.model is not None
    with pytest.raises(Exception, match="not found"):
        tracker.store.client.get_logged_model(result.model.removeprefix("models:/"))


def exported(seed: int = 0, **changes: Any) -> Exported:
    network = Network.create((4, 3), np.random.default_rng(seed), cost="log_likelihood")
    x = np.eye(2, 4, dtype=np.float32)
    told = export.architecture(network) | {"labels": ["a", "b", "c"]}
    return replace(Exported(told, export.weights(network), x, network.forward(x)), **changes)


def test_a_model_that_answers_otherwise_is_not_logged(tracker: MlflowTracker) -> None:
    tracker.start(tracked())
    tracker.record(plain(0))
    tracker.finish("finished", [])
    wrong = exported(outputs=exported(seed=1).outputs)
    with pytest.raises(TrackingError, match="outputs differ from those of its network by up to 0"):
        tracker.keep_model(record(), plain(0), lambda: wrong)
    assert tracker.keep_model(record(), plain(0), exported).startswith("models:/m-")


def test_what_would_have_to_be_pickled_is_not_logged(tracker: MlflowTracker) -> None:
    tracker.start(tracked())
    tracker.record(plain(0))
    tracker.finish("finished", [])
    hostile = exported(weights={**exported().weights, "biases_0": np.array([{"a": 1}], dtype=object)})
    with pytest.raises(TrackingError, match=r"network.npz' must be writable, from plain arrays, got .*Object arrays"):
        tracker.keep_model(record(), plain(0), lambda: hostile)


def test_a_trial_that_waits_for_the_store_waits_with_its_network(tracker: MlflowTracker) -> None:
    tracker.start(tracked())
    with pytest.raises(TrackingError, match="trial 0 cannot be logged: the trial itself waits for the store"):
        tracker.keep_model(record(), plain(0), exported)


def loaded(folder: Path, what: Exported) -> Any:
    """Return the model file's own object for a network, without MLflow's part."""
    np.savez(folder / "network.npz", architecture=np.array(json.dumps(what.architecture)), **what.weights)  # type: ignore[arg-type]
    network = pyfunc_network.FullyConnected()
    network.load_context(SimpleNamespace(artifacts={"network": str(folder / "network.npz")}))
    return network


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_activation_and_every_cost_is_known(dtype: str, tmp_path: Path) -> None:
    """`Network.forward` is the other implementation; large inputs reach the flat ends of each function."""
    x = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32) * 20
    for activation, cost in product([*ACTIVATIONS, LeakyRelu(0.3), Elu(0.5), Maxout(3)], COSTS):
        rng = np.random.default_rng(2)
        network = Network.create((4, 6, 5, 3), rng, activation=activation, cost=cost, init="large", dtype=dtype)
        told = export.architecture(network) | {"labels": ["a", "b", "c"]}
        answer = loaded(tmp_path, Exported(told, export.weights(network), x, x))
        np.testing.assert_allclose(answer.predict(None, x), network.forward(x), rtol=0, atol=1e-6)
        assert answer.predict(None, x).dtype == dtype
        if cost == "squared_errors":  # of numbers, which have no labels
            continue
        labels = answer.predict(None, x.astype(np.float64), {"return": "labels"})
        assert labels.tolist() == [told["labels"][i] for i in network.predict(x)]


def test_the_two_sides_speak_of_one_format() -> None:
    assert pyfunc_network.VERSIONS == (export.VERSION, plain_data.VERSION)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"version": 1}, "format must be version 2 or 3, got 1"),
        ({"layers": [{"units": 3, "inputs": 4, "activation": "swish"}]}, "An activation must be one of .*, got 'swish'"),
        ({"layers": [{"units": 3, "inputs": 5, "activation": "tanh"}]}, r"layer 0 must be of shape \(3, 5\), got \(3, 4\)"),
    ],
)
def test_an_unknown_format_is_refused(changes: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    what = exported()
    with pytest.raises(ValueError, match=sentence):
        loaded(tmp_path, replace(what, architecture={**what.architecture, **changes}))


def test_a_hostile_file_is_refused_unread(tmp_path: Path) -> None:
    bomb = {"weights_0": np.array([Bomb(tmp_path / "went off")], dtype=object)}
    with pytest.raises(ValueError, match=r"network.npz must hold plain arrays of numbers: Object arrays cannot be loaded"):
        loaded(tmp_path, replace(exported(), weights=bomb))
    (tmp_path / "network.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(ValueError, match=r"network.npz must hold plain arrays of numbers"):
        pyfunc_network.read(tmp_path / "network.npz")
    assert not (tmp_path / "went off").exists()


class Bomb:
    """Unpickling one leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("shape", [(2, 5), (4,), (1, 2, 4)])
def test_rows_of_another_shape_are_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"input must be of shape \(n, 4\), got"):
        loaded(tmp_path, exported()).predict(None, np.zeros(shape))
