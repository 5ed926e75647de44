"""The search of one study: its configuration, checks, batches, replay, the loop, and its result."""

from hpsearch.search.admission import check_limits, check_objective, check_parts
from hpsearch.search.auto import Auto
from hpsearch.search.batches import confirm_best, replicate, try_first
from hpsearch.search.config import StudyConfig
from hpsearch.search.environment import read_facts, script_folder
from hpsearch.search.export import BestState, can_export, export
from hpsearch.search.identity import describe
from hpsearch.search.loop import Loop, RunSettings
from hpsearch.search.progress import Progress
from hpsearch.search.replay import Replay
from hpsearch.search.rerun import Rerun, rerun
from hpsearch.search.result import Result, with_model
from hpsearch.search.stopping import MedianStop, Stop

__all__ = [
    "Auto",
    "BestState",
    "Loop",
    "MedianStop",
    "Progress",
    "Replay",
    "Rerun",
    "Result",
    "RunSettings",
    "Stop",
    "StudyConfig",
    "can_export",
    "check_limits",
    "check_objective",
    "check_parts",
    "confirm_best",
    "describe",
    "export",
    "read_facts",
    "replicate",
    "rerun",
    "script_folder",
    "try_first",
    "with_model",
]
