"""A logged estimator is MLflow's own: it loads without hpsearch and without a pickle, and predicts class names."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from hpsearch import Float, Int, Space, Study, data
from hpsearch.features import ColourHistogram
from hpsearch.objectives import TuneEstimator
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker, MlflowTracker
from hpsearch.tracking.models import log
from tests.command import run_command

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow's own, on its own type hints
    import mlflow.pyfunc

# What somebody does who has MLflow and scikit-learn, but not hpsearch.
ELSEWHERE = """
import json, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "hpsearch":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
import mlflow, mlflow.sklearn, mlflow.pyfunc, numpy as np
mlflow.set_tracking_uri(sys.argv[1])
x = np.array(json.loads(sys.argv[3]))
estimator, function = mlflow.sklearn.load_model(sys.argv[2]), mlflow.pyfunc.load_model(sys.argv[2])
inputs = function.metadata.signature.inputs.to_dict()
print(json.dumps([estimator.predict(x).tolist(), function.predict(x).tolist(), inputs]))
"""
STUDY = """
from sklearn.ensemble import HistGradientBoostingClassifier
import numpy as np
from hpsearch import Float, Space, Study, data
from hpsearch.objectives import TrainNetwork, TuneEstimator
from hpsearch.strategies import Random

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 3))
DATA = data.arrays(X, np.where(X[:, 0] > 0, "up", "down"))
trees = HistGradientBoostingClassifier(max_iter=3)
study = Study("trees", Space(learning_rate=Float(0.05, 0.5)), TuneEstimator(trees, DATA, scoring="f1_macro"), Random(trials=2))
network = Study("network", Space(learning_rate=Float(0.1, 0.5)), TrainNetwork(DATA, epochs=1), Random(trials=1))
"""
RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3))
DATA = data.arrays(X, np.where(X[:, 0] > 0, "up", "down"))


def files_of(address: str | None, tracker: MlflowTracker) -> list[Path]:
    model = tracker.store.client.get_logged_model(str(address).removeprefix("models:/"))
    folder = Path(str(model.artifact_location).removeprefix("file://"))
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(name="tracker")
def new_tracker(tmp_path: Path, put_store: Any) -> MlflowTracker:
    put_store(tmp_path)
    return MlflowTracker(root=tmp_path)


def test_it_loads_elsewhere_and_predicts_class_names(tracker: MlflowTracker) -> None:
    trees = TuneEstimator(HistGradientBoostingClassifier(max_iter=3), DATA, scoring="f1_macro")
    study = Study("trees", Space(learning_rate=Float(0.05, 0.5)), trees, Random(trials=2))
    result = study.run(1, backend="sequential", tracker=tracker, report=False)
    rows = X[:6]
    command = [sys.executable, "-c", ELSEWHERE, tracker.store.uri, str(result.model), json.dumps(rows.tolist())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    own, function, inputs = json.loads(done.stdout)
    assert own == function == result.estimator().predict(rows).tolist()
    assert set(own) == {"up", "down"}
    assert inputs[0]["tensor-spec"]["shape"] == [-1, 3]

    written = files_of(result.model, tracker)
    assert {path.name for path in written} >= {"MLmodel", "model.skops", "input_example.json"}
    assert not [path for path in written if path.suffix in (".pkl", ".pickle", ".cloudpickle", ".joblib")]

    assert study.result(tracker).log_model() == result.model
    run = tracker.store.client.get_logged_model(str(result.model).removeprefix("models:/"))
    assert "The estimator of trial" in run.tags["mlflow.note.content"]


def test_from_the_command_line_to_a_file(tmp_path: Path, put_store: Any) -> None:
    put_store(tmp_path)
    (tmp_path / "study.py").write_text(STUDY)
    quick = ("--jobs", "1", "--no-report", "--no-model")
    ran = run_command(tmp_path, "run", "study.py", "--study", "trees", *quick)
    assert ran.returncode == 0, ran.stderr
    assert "f1_macro" in ran.stdout
    written = run_command(tmp_path, "export", "trees", "best.skops")
    assert written.returncode == 0, written.stderr
    assert "Written: best.skops, the estimator of trial" in written.stdout
    trusted = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
    assert f"skops.io.load('best.skops', trusted={trusted!r})" in written.stdout
    assert set(skops.io.load(tmp_path / "best.skops", trusted=trusted).predict(X)) == {"up", "down"}
    wrong = run_command(tmp_path, "export", "trees", "best.npz")
    assert wrong.returncode == 2
    assert "The file of an estimator must be one ending in .skops, got 'best.npz'. Try best.skops" in wrong.stderr
    assert run_command(tmp_path, "run", "study.py", "--study", "network", *quick).returncode == 0
    wrong = run_command(tmp_path, "export", "network", "best.skops")
    assert "The file of a network must be one ending in .npz, got 'best.skops'. Try best.npz" in wrong.stderr
    assert run_command(tmp_path, "export", "network", "best.npz").returncode == 0
    drawn = run_command(tmp_path, "plot", "trees", "confusion")
    assert "Rows of each class" in drawn.stdout
    assert (tmp_path / "trees-confusion.png").is_file()
    tested = run_command(tmp_path, "test", "trees")
    assert "test_f1_macro=" in tested.stdout
    assert "Validation f1_macro" in tested.stdout


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_model_of_a_table_takes_a_frame_with_texts_and_missing_values(library: str, tmp_path: Path) -> None:
    towns = np.array(["Bath", "Bonn", None], dtype=object)[RNG.integers(3, size=200)]
    size = np.where(np.arange(200) % 7 == 3, np.nan, X[:, 0])
    frame = pd.DataFrame({"size": size, "town": towns, "answer": np.where(X[:, 0] > 0, "up", "down")})
    table = data.table(frame if library == "pandas" else pl.from_pandas(frame), target="answer")
    encoded = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["town"]), remainder="passthrough")
    pipeline = make_pipeline(encoded, HistGradientBoostingClassifier(max_iter=3))
    rate = Space(histgradientboostingclassifier__learning_rate=Float(0.05, 0.5))
    result = Study("table", rate, TuneEstimator(pipeline, table), Random(trials=1)).run(
        1, backend="sequential", tracker=MemoryTracker(), model=False
    )
    with log._silenced():
        saved = log.save(tmp_path, result.export_estimator())
        loaded = mlflow.pyfunc.load_model(str(saved))
    rows = pd.DataFrame({"size": [1.0, np.nan, -1.0], "town": ["Bath", None, "Bonn"]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert loaded.predict(rows).tolist() == result.estimator().predict(rows).tolist()
    kinds = {column["name"]: (column["type"], column["required"]) for column in loaded.metadata.signature.inputs.to_dict()}
    assert kinds == {"size": ("double", False), "town": ("string", False)}
    assert json.loads((saved / "input_example.json").read_text())["columns"] == ["size", "town"]


def test_a_pipeline_with_our_features_says_that_it_needs_hpsearch(tracker: MlflowTracker) -> None:
    """It is stored without pickles too; its page and its requirements name the package whose classes it holds."""
    model = make_pipeline(ColourHistogram(bins=4, shape=(1, 3)), HistGradientBoostingClassifier(max_iter=3))
    study = Study("colours", Space(colourhistogram__bins=Int(2, 8)), TuneEstimator(model, DATA), Random(trials=2))
    result = study.run(1, backend="sequential", tracker=tracker, report=False)
    requirements = next(path for path in files_of(result.model, tracker) if path.name == "requirements.txt").read_text()
    assert [line.partition("==")[0] for line in requirements.splitlines()][1:] == ["scikit-learn", "skops", "hpsearch"]
    assert not [path for path in files_of(result.model, tracker) if path.suffix in (".pkl", ".pickle", ".joblib")]
    folder = next(path.parent for path in files_of(result.model, tracker) if path.name == "MLmodel")
    again = mlflow.pyfunc.load_model(str(folder))
    assert again.predict(X[:6]).tolist() == result.estimator().predict(X[:6]).tolist()
    page = tracker.store.client.get_logged_model(str(result.model).removeprefix("models:/")).tags["mlflow.note.content"]
    assert "both need hpsearch, whose transformers it holds" in page
