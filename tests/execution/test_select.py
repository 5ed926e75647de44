"""Selection of an executor, and the sentences for what is none."""

from __future__ import annotations

from typing import Any

import pytest

from hpsearch.errors import StudyError
from hpsearch.execution.local import Local
from hpsearch.execution.select import select_executor


@pytest.mark.parametrize("asked", [None, "local"])
def test_this_machine_takes_jobs_and_backend(asked: Any) -> None:
    found = select_executor(asked, 3, "threading")
    assert isinstance(found, Local)
    assert (found.width, found.backend, found.separate) == (3, "threading", False)


def test_an_executor_is_taken_as_it_is() -> None:
    own = Local(2)
    assert select_executor(own) is own


@pytest.mark.parametrize(
    ("executor", "settings", "sentence"),
    [
        ("cluster", {}, "executor must be an executor, got 'cluster'. Write 'local'"),
        (Local, {}, "executor must be an executor, got <class"),
        (3, {}, "executor must be an executor, got 3."),
        (Local(2), {"jobs": 2}, "jobs must be left out with an executor, got 2."),
        (Local(2), {"backend": "threading"}, "backend must be left out with an executor, got 'threading'."),
    ],
)
def test_bad_input_is_one_sentence(executor: Any, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(StudyError) as raised:
        select_executor(executor, **settings)
    assert str(raised.value).startswith(sentence)


def test_an_executor_runs_no_trials_before_it_is_opened() -> None:
    with pytest.raises(StudyError, match="An executor must be opened before it runs trials"):
        next(Local(1, "sequential").run([]))
