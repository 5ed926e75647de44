"""The best network or estimator as an MLflow model without pickles.

A network is code, JSON and arrays, loaded with NumPy and MLflow alone, a recurrent one too. An estimator is stored by skops,
see `hpsearch.tracking.models.estimator`.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpsearch.errors import TrackingError
from hpsearch.nn import storage
from hpsearch.nn.recurrent.storage import KIND
from hpsearch.ports import Exported, ExportedEstimator, ExportedModel, StudyRecord, TrackedStudy
from hpsearch.space import Space
from hpsearch.tracking.models import estimator
from hpsearch.tracking.runs.trial_keys import param_keys, run_name
from hpsearch.tracking.store import names
from hpsearch.tracking.store.client import reraised_as_tracking_error
from hpsearch.trial import Trial, flip_sign, format_value

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run

logger = logging.getLogger(__name__)
CODE = Path(__file__).with_name("pyfunc_network.py")
CODE_OF_RECURRENT = Path(__file__).with_name("pyfunc_recurrent.py")
# What a recurrent model is asked with, beside its texts; the last three are those of samples.
_ASKED_OF_RECURRENT = {"return": "labels", "length": 200, "temperature": 1.0, "seed": 0}
REQUIREMENTS = ["mlflow>=3.17,<4", "numpy>=2.1"]
# The tag on the study's run with the address of its best network.
TAG = "hpsearch.model"
# How far the outputs of the model, read back before it is sent, may be from those of the network: as a share of the largest
# output where that is more than 1, else absolute.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Place:
    """The runs of a model: its study's run, and the run of the trial that trained it."""

    client: MlflowClient
    parent: Run
    run_id: str

    @property
    def experiment_id(self) -> str:
        return str(self.parent.info.experiment_id)


def address(model: LoggedModel) -> str:
    """Return what ``mlflow.pyfunc.load_model`` takes."""
    return f"models:/{model.model_id}"


def keep(place: Place, study: TrackedStudy, trial: Trial, export: Callable[[], ExportedModel], failed: str) -> str:
    """Log a model unless it is logged already; return its address. ``failed`` begins the error message."""
    with reraised_as_tracking_error(failed):
        found = find(place)
    if found is not None:
        return found
    exported = export()
    if exported.note:
        logger.warning("%s", exported.note)
    with reraised_as_tracking_error(failed):
        return log(place, study, trial, exported)


def find(place: Place) -> str | None:
    """Return the address of the trial's model, or None; tag the study's run with it.

    Models that a kill left half written are deleted.
    """
    where = f"source_run_id = '{place.run_id}'"
    ready = None
    for model in place.client.search_logged_models([place.experiment_id], filter_string=where):
        if str(model.status) == "READY":
            ready = address(model)
        else:
            place.client.delete_logged_model(model.model_id)
    if ready is not None:
        place.client.set_tag(place.parent.info.run_id, TAG, ready)
    return ready


def log(place: Place, study: TrackedStudy, trial: Trial, exported: ExportedModel) -> str:
    """Write the network or estimator of a trial as a model, linked from its run and from the study's; return its address.

    The model is made ready last: one that a kill interrupts is not found, and written again.

    Raises:
        TrackingError: if the model, read back, does not return the outputs of what was exported.
    """
    from mlflow.entities import LoggedModelOutput

    client, run_id, record = place.client, place.run_id, study.record
    name, tags = run_name(trial).replace(" ", "-"), _tags(record, trial, exported)
    kind = "estimator" if isinstance(exported, ExportedEstimator) else "network"
    model = client.create_logged_model(place.experiment_id, name, run_id, tags, _params(study.space, trial), kind)
    with tempfile.TemporaryDirectory() as folder:
        saved = save(Path(folder), exported, model)
        client.log_model_artifacts(model.model_id, str(saved))
    client.set_logged_model_tags(model.model_id, {"mlflow.note.content": _note(record, trial, exported, address(model))})
    for run in dict.fromkeys((place.parent.info.run_id, run_id)):
        client.log_outputs(run, [LoggedModelOutput(model.model_id, 0)])
    client.set_tag(place.parent.info.run_id, TAG, address(model))
    _show_value(place, model)
    client.finalize_logged_model(model.model_id, "READY")
    return address(model)


def _show_value(place: Place, model: LoggedModel) -> None:
    """Link the trial's value to the model, so that the table of models shows it; an identical point is stored once."""
    from mlflow.entities import Metric

    for point in place.client.get_metric_history(place.run_id, "value"):
        same = Metric("value", point.value, point.timestamp, point.step, model_id=model.model_id, run_id=place.run_id)
        place.client.log_batch(place.run_id, [same])


def save(folder: Path, exported: ExportedModel, model: LoggedModel | None = None) -> Path:
    """Write a model in MLflow's format below ``folder``, and check the outputs of the model read back."""
    if isinstance(exported, ExportedEstimator):
        with _silenced():
            return estimator.save(folder / "model", exported, model)
    storage.write(folder / "network.npz", exported.architecture, exported.weights)
    recurrent = _is_recurrent(exported)
    code = shutil.copy(CODE_OF_RECURRENT if recurrent else CODE, folder)  # MLflow records the path it was given
    with _silenced():
        import mlflow.pyfunc
        from mlflow.models import Model, infer_signature

        origin: Any = {} if model is None else {"run_id": model.source_run_id, "model_id": model.model_id}
        path, artifacts = folder / "model", {"network": str(folder / "network.npz")}
        example = _example(exported)
        returned: dict[str, Any] = _ASKED_OF_RECURRENT if recurrent else {"return": _default_return(exported)}
        signature = infer_signature(example if isinstance(example, np.ndarray) else None, exported.outputs, returned)
        if not isinstance(example, np.ndarray):
            signature.inputs = _texts("text") if recurrent else _columns(exported)
        if returned["return"] == "labels":
            signature.outputs = _texts() if recurrent else _labels(exported)
        mlflow.pyfunc.save_model(
            path,
            python_model=str(code),
            artifacts=artifacts,
            signature=signature,
            input_example=example,
            pip_requirements=REQUIREMENTS,
            mlflow_model=Model(artifact_path=model.artifact_location if model else None, **origin),
        )
        _check_outputs(mlflow.pyfunc.load_model(str(path)), exported)
    for leftover in list(path.rglob("__pycache__")):
        shutil.rmtree(leftover)
    return path


# What MLflow calls labels of one type; bool comes first, since Python counts it as an int.
_KINDS: dict[type, Any] = {str: "string", bool: "boolean", int: "long"}


def _check_outputs(loaded: Any, exported: Exported) -> None:
    outputs = loaded.predict(_example(exported), params={"return": "outputs"})
    if not np.allclose(outputs, exported.outputs, rtol=0, atol=TOLERANCE * max(1.0, float(np.abs(exported.outputs).max()))):
        far = float(np.abs(np.asarray(outputs) - exported.outputs).max())
        raise TrackingError(f"The model's outputs differ from those of its network by up to {far:.2g}.")


def _example(exported: Exported) -> Any:
    """Return the rows of the example as MLflow takes them: an array, or a data frame of pandas, without categories."""
    if isinstance(exported.example, np.ndarray):
        return exported.example
    import narwhals as nw

    frame = nw.from_native(exported.example, eager_only=True).to_pandas()
    return frame.astype({name: object for name, dtype in frame.dtypes.items() if str(dtype) == "category"})


def _columns(exported: Exported) -> Any:
    """Return the schema of the columns that a table network takes.

    Of the columns only their names are asked for. MLflow would refuse whole numbers for a column of floats, categories for one
    of texts, and booleans with gaps; the network takes them all, and refuses by itself what it cannot read.
    """
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import AnyType

    anything: Any = AnyType
    return Schema([ColSpec(anything(), column["name"], required=False) for column in exported.architecture["inputs"]])


def _labels(exported: Exported) -> Any:
    """Return the schema of the labels that a table network returns."""
    from mlflow.types import ColSpec, Schema

    labels = exported.architecture["labels"]
    return Schema([ColSpec(next(kind for of, kind in _KINDS.items() if all(isinstance(label, of) for label in labels)))])


def _texts(column: str | None = None) -> Any:
    """Return the schema of the texts that a recurrent network takes or returns."""
    from mlflow.types import ColSpec, DataType, Schema

    return Schema([ColSpec(DataType.string, column)])


def _is_recurrent(exported: Exported) -> bool:
    return exported.architecture.get("kind") == KIND


def _default_return(exported: Exported) -> str:
    """Return what a loaded model returns unless it is told: labels where its inputs are the columns of a table."""
    return "labels" if "inputs" in exported.architecture and exported.architecture["labels"] else "outputs"


@contextmanager
def _silenced() -> Iterator[None]:
    """Suppress MLflow's messages about its type hints and about each step of saving."""
    theirs = [logging.getLogger(name) for name in ("mlflow.pyfunc", "mlflow.sklearn", "mlflow.models")]
    levels = [one.level for one in theirs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in theirs:
            one.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for one, level in zip(theirs, levels, strict=True):
                one.setLevel(level)


def _tags(record: StudyRecord, trial: Trial, exported: ExportedModel) -> dict[str, str]:
    tags = {"hpsearch.study": record.name, "hpsearch.trial": str(trial.number), "hpsearch.note": exported.note}
    return {name: names.fit_text(text) for name, text in tags.items() if text}


def _params(space: Space, trial: Trial) -> dict[str, str]:
    texts = space.text(trial.params)
    keys = param_keys(texts)
    return {keys[name]: names.fit_text(text) for name, text in texts.items()}


def _note(record: StudyRecord, trial: Trial, exported: ExportedModel, uri: str) -> str:
    """Return the description on the model's page."""
    value = f"{record.measure} {format_value(flip_sign(trial.value, record.maximize))}"
    if isinstance(exported, ExportedEstimator):
        of = f"The estimator of trial {trial.number} of `{names.clean_text(record.name)}`: {value}."
        return "\n\n".join([of, *estimator.describe(exported, uri), *([exported.note] if exported.note else [])])
    if _is_recurrent(exported):
        of = f"The recurrent network of trial {trial.number} of `{names.clean_text(record.name)}`: {value}."
        return "\n\n".join([of, *_describe_recurrent(exported, uri), *([exported.note] if exported.note else [])])
    inputs, outputs = exported.example.shape[1], exported.outputs.shape[1]
    is_table = not isinstance(exported.example, np.ndarray)
    data = exported.architecture.get("data")
    layers = ", ".join(f"{layer['units']} {layer['activation']}" for layer in exported.architecture["layers"])
    returns = f"{outputs} outputs a row, or the label of the largest with `params={{'return': 'labels'}}`"
    if not exported.architecture["labels"]:
        returns = "a number for each row" if outputs == 1 else f"{outputs} numbers for each row"
    elif is_table:
        returns = f"the label of each row, or {outputs} outputs with `params={{'return': 'outputs'}}`"
    if is_table:
        kinds = {one["name"]: "texts" if "options" in one else "numbers" for one in exported.architecture["inputs"]}
        shown = ", ".join(f"`{names.clean_text(name)}` ({kind})" for name, kind in kinds.items())
        takes = f"tables with the columns {shown}"
    else:
        takes = f"rows of {inputs} numbers, {exported.example.dtype}" + (f", scaled as in `{data}`" if data else "")
    lines = [
        f"The network of trial {trial.number} of `{names.clean_text(record.name)}`: {value}.",
        f"Takes {takes}; answers {returns}.",
        f"Layers above the inputs: {layers}.",
        f"`mlflow.pyfunc.load_model({uri!r})` needs neither hpsearch nor the data; its file `artifacts/network.npz` is what"
        " `hpsearch.nn.load` takes.",
    ]
    return "\n\n".join([*lines, *([exported.note] if exported.note else [])])


def _describe_recurrent(exported: Exported, uri: str) -> list[str]:
    """Return the sentences on what a recurrent network takes and returns."""
    told = exported.architecture
    is_text = told["task"] == "text"
    takes = f"Takes texts, in a column `text`; returns {'the next character' if is_text else 'the output'} for each"
    samples = " `{'return': 'sample', 'length': 200, 'temperature': 1.0, 'seed': 0}` continues each text." if is_text else ""
    return [
        f"{takes}, or its probabilities with `params={{'return': 'outputs'}}`.{samples}",
        f"Task {told['task']}, {told['hidden']} units, {len(told['alphabet'])} symbols.",
        f"`mlflow.pyfunc.load_model({uri!r})` needs neither hpsearch nor the data; its file `artifacts/network.npz` is what"
        " `hpsearch.nn.recurrent.load` takes.",
    ]
