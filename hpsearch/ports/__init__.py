"""The ports of a study: base classes of strategy, objective and tracker, and the data they exchange."""

from hpsearch.ports.adapt import adapt_objective, adapt_strategy
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
    "Context",
    "DataRecord",
    "DataSet",
    "EarlierIdentity",
    "Exported",
    "ExportedEstimator",
    "ExportedModel",
    "Objective",
    "ObjectiveBase",
    "PartRecord",
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
    "TrackedStudy",
    "Tracker",
    "TrackerBase",
    "adapt_objective",
    "adapt_strategy",
    "describe_identity",
]
