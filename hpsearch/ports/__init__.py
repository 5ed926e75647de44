"""The ports of a study: protocols of strategy, objective and tracker, and the data they exchange."""

from hpsearch.ports.objective import Bar, Context, Exported, Objective
from hpsearch.ports.strategy import Batch, Preflight, Proposal, Search, Strategy
from hpsearch.ports.tracker import DataRecord, PartRecord, Recorded, StudyRecord, Tracker, TrackerBase

__all__ = [
    "Bar",
    "Batch",
    "Context",
    "DataRecord",
    "Exported",
    "Objective",
    "PartRecord",
    "Preflight",
    "Proposal",
    "Recorded",
    "Search",
    "Strategy",
    "StudyRecord",
    "Tracker",
    "TrackerBase",
]
