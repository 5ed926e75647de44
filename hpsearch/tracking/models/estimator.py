"""A fitted estimator in MLflow's own scikit-learn format, stored by skops: no pickles, with signature and example."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpsearch.errors import TrackingError
from hpsearch.ports import ExportedEstimator

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel

# Estimators are stored by their attributes, which change from one version of these to the next.
_SAME_VERSION = ("scikit-learn", "skops")


def save(path: Path, exported: ExportedEstimator, model: LoggedModel | None = None) -> Path:
    """Write an estimator in MLflow's format to ``path``, and check what the model predicts when it is read back.

    Raises:
        TrackingError: it predicts otherwise.
    """
    import mlflow.pyfunc
    import mlflow.sklearn
    from mlflow.models import Model, infer_signature

    origin: Any = {} if model is None else {"run_id": model.source_run_id, "model_id": model.model_id}
    example = _as_mlflow_takes_it(exported.example)
    mlflow.sklearn.save_model(
        exported.estimator,
        str(path),
        serialization_format=mlflow.sklearn.SERIALIZATION_FORMAT_SKOPS,
        skops_trusted_types=list(exported.trusted),
        signature=infer_signature(_as_mlflow_takes_it(exported.rows), exported.outputs),
        input_example=example,
        pip_requirements=["mlflow>=3.17,<4", *(f"{name}=={version(name)}" for name in _libraries(exported))],
        mlflow_model=Model(artifact_path=model.artifact_location if model else None, **origin),
    )
    outputs = mlflow.pyfunc.load_model(str(path)).predict(example)
    if not np.array_equal(np.asarray(outputs), exported.outputs):
        raise TrackingError("The model predicts otherwise than its estimator when it is read back.")
    return path


def describe(exported: ExportedEstimator, uri: str) -> list[str]:
    """Return the description on the model's page, apart from its first line."""
    columns = list(getattr(exported.example, "columns", ()))
    takes = f"a data frame with the columns {', '.join(f'`{name}`' for name in columns[:20])}" if columns else "an array"
    trusted = f"`trusted={list(exported.trusted)!r}`" if exported.trusted else "nothing to trust"
    needs = "both need hpsearch, whose transformers it holds" if _needs_hpsearch(exported) else "neither needs hpsearch"
    return [
        f"`{type(exported.estimator).__name__}`, fitted on training and validation rows. Takes {takes}"
        f" of {exported.example.shape[1]} columns.",
        f"`mlflow.sklearn.load_model({uri!r})` returns the estimator, `mlflow.pyfunc.load_model` what predicts alone; "
        f"{needs}. It is stored by skops, without pickles; `skops.io.load` takes its file `model.skops`, with"
        f" {trusted}.",
    ]


def _libraries(exported: ExportedEstimator) -> list[str]:
    """Return the libraries that its reader needs."""
    others = {name.partition(".")[0] for name in exported.trusted} & {"lightgbm", "xgboost", "catboost"}
    frames = ["pandas"] if hasattr(exported.example, "columns") else []
    own = ["hpsearch"] if _needs_hpsearch(exported) else []
    if any(name.endswith(".OrientedGradients") for name in exported.trusted):
        own.append("scikit-image")
    return [*_SAME_VERSION, *frames, *sorted(others), *own]


def _needs_hpsearch(exported: ExportedEstimator) -> bool:
    return any(name.startswith("hpsearch.") for name in exported.trusted)


def _as_mlflow_takes_it(example: Any) -> Any:
    """Return a frame of another library as one of pandas, which MLflow's signatures describe."""
    if isinstance(example, np.ndarray) or hasattr(example, "iloc"):
        return example
    return example.to_pandas()
