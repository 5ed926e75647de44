"""The ports of a study: base classes of strategy, objective, tracker and executor, and the data they exchange."""

from hpsearch.ports.adapt import adapt_objective, adapt_strategy
from hpsearch.ports.checkpoints import Checkpoint, CheckpointPlace, Checkpoints
from hpsearch.ports.executor import CopyObjects, Executor, ExecutorBase, Limits, Point, Task, process_token
from hpsearch.ports.objective import AnyObjective, Baseline, Context, DataSet, Objective, ObjectiveBase, PruningThresholds
from hpsearch.ports.predictions import Predictions
from hpsearch.ports.strategy import Batch, Preflight, Proposal, Search, Strategy, StrategyBase
from hpsearch.ports.tracker import (
    PICKED,
    PICKED_BECAUSE,
    DataRecord,
    EarlierIdentity,
    Exported,
    ExportedEstimator,
    ExportedModel,
    PartRecord,
    Recorded,
    RunningTrial,
    StudyRecord,
    TrackedStudy,
    Tracker,
    TrackerBase,
    describe_identity,
)

__all__ = [
    "PICKED",
    "PICKED_BECAUSE",
    "AnyObjective",
    "Baseline",
    "Batch",
    "Checkpoint",
    "CheckpointPlace",
    "Checkpoints",
    "Context",
    "CopyObjects",
    "DataRecord",
    "DataSet",
    "EarlierIdentity",
    "Executor",
    "ExecutorBase",
    "Exported",
    "ExportedEstimator",
    "ExportedModel",
    "Limits",
    "Objective",
    "ObjectiveBase",
    "PartRecord",
    "Point",
    "Predictions",
    "Preflight",
    "Proposal",
    "PruningThresholds",
    "Recorded",
    "RunningTrial",
    "Search",
    "Strategy",
    "StrategyBase",
    "StudyRecord",
    "Task",
    "TrackedStudy",
    "Tracker",
    "TrackerBase",
    "adapt_objective",
    "adapt_strategy",
    "describe_identity",
    "process_token",
]
