"""Joblib's worker processes as hpsearch sets them up: one BLAS thread each, ending with their parent."""

from __future__ import annotations

import os
import warnings

import joblib

from hpsearch.execution.processes import end_with_parent


def worker_processes() -> joblib.parallel_config:
    """Return the context in which `joblib.Parallel` starts worker processes of this kind."""
    # A worker that has grown ends and is replaced, with a warning from the thread that hands out tasks. Where warnings are
    # errors, as with ``python -W error``, it would end that thread, and the study would wait for ever.
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
    return joblib.parallel_config("loky", inner_max_num_threads=1, initializer=end_with_parent, initargs=(os.getpid(),))
