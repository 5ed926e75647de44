"""Where the events of a study go: MLflow, or memory. Importing this loads no MLflow."""

from hpsearch.tracking.memory import MemoryTracker
from hpsearch.tracking.mlflow_tracker import MlflowTracker
from hpsearch.tracking.store.store import Store, project_root

__all__ = ["MemoryTracker", "MlflowTracker", "Store", "project_root"]
