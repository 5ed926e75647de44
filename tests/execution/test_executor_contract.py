"""The contract of executors, on this machine: processes, threads, and one trial after the other."""

from __future__ import annotations

import pytest

from hpsearch.execution.local import Local
from hpsearch.ports import Executor
from hpsearch.testing import ExecutorContract


class TestSequential(ExecutorContract):
    def make(self) -> Executor:
        return Local(1, "sequential")


class TestThreads(ExecutorContract):
    def make(self) -> Executor:
        return Local(2, "threading")


class TestProcesses(ExecutorContract):
    def make(self) -> Executor:
        return Local(2, "loky")


@pytest.mark.parametrize("kind", [TestSequential, TestThreads, TestProcesses])
def test_only_processes_are_separate(kind: type[ExecutorContract]) -> None:
    assert kind().make().separate == (kind is TestProcesses)
