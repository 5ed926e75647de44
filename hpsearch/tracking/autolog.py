"""MLflow's autologging, paused while trials run in this process: each of their fits would become a run of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

# MLflow has one switch for the whole process, which is off as long as any of our blocks runs.
_lock = Lock()
_pauses: list[ExitStack] = []
_depth = 0


@contextmanager
def paused() -> Iterator[None]:
    """Pause autologging inside the block, and leave it as the user set it; MLflow is not loaded for that."""
    if "mlflow" not in sys.modules:
        yield
        return
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _depth
    from mlflow.utils import autologging_utils

    with _lock:
        _depth += 1
        if _depth == 1 and not autologging_utils._AUTOLOGGING_GLOBALLY_DISABLED:
            stack = ExitStack()
            stack.enter_context(autologging_utils.disable_autologging())
            _pauses.append(stack)


def _leave() -> None:
    global _depth
    with _lock:
        _depth -= 1
        if _depth == 0 and _pauses:
            _pauses.pop().close()
