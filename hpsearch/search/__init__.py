"""The search of one study: configuration checks, batches, replay, the loop, and its result."""

from hpsearch.search.admission import check_limits, check_objective, check_parts
from hpsearch.search.batches import confirmed, given, replicated
from hpsearch.search.environment import facts, home
from hpsearch.search.export import Leader, export, offered, with_model
from hpsearch.search.identity import describe
from hpsearch.search.loop import Loop
from hpsearch.search.progress import Progress
from hpsearch.search.replay import Replay
from hpsearch.search.rerun import rerun
from hpsearch.search.result import Result
from hpsearch.search.stopping import MedianStop, Stop

__all__ = [
    "Leader",
    "Loop",
    "MedianStop",
    "Progress",
    "Replay",
    "Result",
    "Stop",
    "check_limits",
    "check_objective",
    "check_parts",
    "confirmed",
    "describe",
    "export",
    "facts",
    "given",
    "home",
    "offered",
    "replicated",
    "rerun",
    "with_model",
]
