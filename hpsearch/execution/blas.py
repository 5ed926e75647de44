"""BLAS libraries and OpenMP: what is loaded, and one thread for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_info, threadpool_limits


def describe_blas() -> str:
    """Return the loaded BLAS libraries in alphabetical order, such as ``openblas 0.3.30 SkylakeX``.

    The bits of a matrix product may differ from one library, version or architecture to another.
    """
    found = [pool for pool in threadpool_info() if pool.get("user_api") == "blas"]
    # threadpoolctl lists them in the order of a set, which differs from process to process.
    return ", ".join(sorted({f"{p['internal_api']} {p['version']} {p.get('architecture', '')}".strip() for p in found}))


@contextmanager
def one_thread() -> Iterator[None]:
    """Give BLAS one thread in this process while the block runs, and OpenMP one in the thread that runs it."""
    # SciPy brings a BLAS of its own. It must be loaded to be limited: strategies and trials in this process may use it.
    import scipy.linalg  # noqa: F401

    # Limited once for everything, not per trial: several threads that set and lift limits would undo each other's.
    with threadpool_limits(limits=1):
        yield


@contextmanager
def one_openmp_thread() -> Iterator[None]:
    """Give OpenMP one thread while the block runs in this thread: unlike BLAS's, its number belongs to each thread.

    Neighbours and trees of scikit-learn divide their work by it, and their last bits differ with it.
    """
    with threadpool_limits(limits=1, user_api="openmp"):
        yield
