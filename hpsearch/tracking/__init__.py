"""Trackers: the record of a study in MLflow, or in memory. Importing this package loads no MLflow."""

from hpsearch.tracking.lease import LeaseTimes
from hpsearch.tracking.memory import MemoryTracker
from hpsearch.tracking.mlflow_tracker import MlflowTracker
from hpsearch.tracking.store import Store, project_root

__all__ = ["LeaseTimes", "MemoryTracker", "MlflowTracker", "Store", "project_root"]
