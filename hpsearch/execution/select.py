"""Selection of an executor from what a user writes: an address, a Dask client, a name, or an executor."""

from __future__ import annotations

from typing import Any

from hpsearch.errors import StudyError, must_be
from hpsearch.execution.local import Backend, Local
from hpsearch.ports import Executor

# An `Executor`, "local", the address of a Dask scheduler, a `distributed.Client`, or None for this machine.
AnyExecutor = Any
_SCHEMES = ("dask", "tcp", "tls", "ws", "wss")
_ADVICE = "Write 'local', 'dask://HOST:PORT', a Dask client, or leave it out for this machine."


def select_executor(executor: AnyExecutor = None, jobs: int | None = None, backend: Backend = "loky") -> Executor:
    """Return the executor that a user asks for.

    Raises:
        StudyError: it is none, or ``jobs`` or ``backend`` are set beside one that does not take them.
    """
    if executor is None or executor == "local":
        return Local(jobs, backend)
    found = _find_dask(executor) or _checked(executor)
    if jobs is not None:
        raise StudyError(must_be("jobs", "left out with an executor", jobs, "The executor says how many trials run at once."))
    if backend != "loky":
        raise StudyError(must_be("backend", "left out with an executor", backend, "It is a choice for this machine alone."))
    return found


def with_cluster_options(executor: AnyExecutor, patience: float | None, any_machine: bool) -> AnyExecutor:
    """Return an executor with the settings that only a cluster has; the same one where they are left out.

    Raises:
        StudyError: they are set for this machine, or are out of range.
    """
    if patience is None and not any_machine:
        return executor
    if executor is None or executor == "local":
        name, value = ("any_machine", any_machine) if patience is None else ("patience", patience)
        advice = "It is about the workers of a cluster: --executor dask://HOST:PORT."
        raise StudyError(must_be(name, "left out on this machine", value, advice))
    return _find_dask(executor, patience=patience, any_machine=any_machine) or executor


def _find_dask(executor: AnyExecutor, **settings: Any) -> Executor | None:
    """Return an executor on Dask for an address or a client; None for anything else."""
    address = isinstance(executor, str) and executor.partition("://")[0] in _SCHEMES
    client = type(executor).__module__.split(".")[0] == "distributed" and hasattr(executor, "submit")
    if not address and not client:
        return None
    try:
        from hpsearch.execution.dask import Dask
    except ImportError as error:
        raise StudyError("An executor on Dask needs the 'dask' extra. Install it: pip install 'hpsearch[dask]'.") from error
    return Dask(executor, **settings)


def _checked(executor: AnyExecutor) -> Executor:
    names = ("open", "run", "points", "checkpoint_root", "close")
    if isinstance(executor, type) or not all(callable(getattr(executor, name, None)) for name in names):
        raise StudyError(must_be("executor", "an executor", executor, _ADVICE))
    found: Executor = executor
    return found
