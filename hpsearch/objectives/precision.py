"""A line in the log where rows of float64 lose distinct values in a network of float32."""

from __future__ import annotations

import logging
import multiprocessing
from weakref import WeakValueDictionary

from hpsearch.data import Dataset
from hpsearch.data.precision import describe_merged, merged_columns

logger = logging.getLogger(__name__)
# The data sets that were looked at, by id.
_seen: WeakValueDictionary[int, Dataset] = WeakValueDictionary()


def report_merged(data: Dataset) -> None:
    """Say in one line which training columns lose distinct values in float32; once a data set, never in a worker."""
    if data.train.dtype == "float32" or _seen.get(id(data)) is data or multiprocessing.parent_process() is not None:
        return
    _seen[id(data)] = data
    found = merged_columns(data.train.x, "float32")
    if found:
        advice = "Subtract the column's smallest value, or take dtype='float64'."
        logger.warning("TrainNetwork takes %r as float32: %s. %s", data.name, describe_merged(found), advice)
