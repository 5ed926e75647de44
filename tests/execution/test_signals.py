"""Orderly ends: Ctrl-C, SIGTERM, and SIGHUP, which a terminal sends when it closes and ``nohup`` has ignored."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from hpsearch.execution.signals import (
    StopRequest,
    StopRequested,
    Terminated,
    TimeUp,
    block_interrupts,
    end_at_second_signal,
    ending_signals,
    leave_closed_terminal,
    stoppable,
    time_limit,
)

KINDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Put back the handlers, which stay after the first signal."""
    before, hook = {number: signal.getsignal(number) for number in KINDS}, sys.unraisablehook
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background commands ignore it
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    sys.unraisablehook = hook


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_the_exit_code_is_the_shells(number: int, code: int) -> None:
    """POSIX shells report 128 and the number of the signal."""
    with pytest.raises(Terminated) as caught, end_at_second_signal(lambda: None):
        signal.raise_signal(number)
    assert caught.value.code == code


@pytest.mark.parametrize("first", KINDS)
def test_a_second_hangup_changes_nothing(first: int) -> None:
    """A shell and the kernel may both send one; only what a person sends ends at once."""
    ended: list[bool] = []
    with end_at_second_signal(lambda: ended.append(True)):
        with suppress(Terminated, KeyboardInterrupt):
            signal.raise_signal(first)
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
    assert ended == []


def test_an_ignored_hangup_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert ending_signals() == [signal.SIGTERM]
    with end_at_second_signal(lambda: None):
        signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    assert ending_signals() == [signal.SIGTERM, signal.SIGHUP]


def test_what_the_block_changed_is_put_back() -> None:
    before = [signal.getsignal(number) for number in KINDS]
    with end_at_second_signal(lambda: None):
        assert [signal.getsignal(number) for number in KINDS] != before
    assert [signal.getsignal(number) for number in KINDS] == before


def test_workers_get_neither() -> None:
    with block_interrupts():
        assert {signal.SIGINT, signal.SIGHUP} <= signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert not {signal.SIGINT, signal.SIGHUP} & signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_output_to_a_closed_terminal_vanishes() -> None:
    """A pseudo-terminal whose other end is closed, as when its window is: each write to it fails with EIO."""
    kept, (ours, theirs) = os.dup(1), os.openpty()
    try:
        os.dup2(theirs, 1)
        leave_closed_terminal()
        os.write(1, b"it is open\n")
        assert b"it is open" in os.read(ours, 100)
        os.close(theirs)
        os.close(ours)
        with pytest.raises(OSError, match="Input/output error"):
            os.write(1, b"x")
        leave_closed_terminal()
        assert os.write(1, b"x") == 1
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _ask_and_wait(request: StopRequest) -> None:
    threading.Timer(0.05, request, ("asked from there",)).start()
    time.sleep(20)


def test_another_thread_ends_the_main_one_while_it_sleeps() -> None:
    """As Ctrl-C would, and once; a request that comes later does no harm."""
    before = signal.getsignal(signal.SIGURG)
    with pytest.raises(StopRequested, match="asked from there"), stoppable() as request:
        _ask_and_wait(request)
    assert signal.getsignal(signal.SIGURG) == before
    request("too late")
    assert issubclass(StopRequested, KeyboardInterrupt)


def test_outside_the_main_thread_a_request_waits_for_the_next_check() -> None:
    found: list[str] = []

    def work() -> None:
        with stoppable() as request:
            request.check()
            request("asked from there")
            found.append("still here")
            try:
                request.check()
            except StopRequested as error:
                found.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == ["still here", "asked from there"]


class Finalised:
    """Takes its time to go, in code where an exception is only printed."""

    def __init__(self, ends: list[str]) -> None:
        self.ends = ends

    def __del__(self) -> None:
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            pass
        self.ends.append("went")


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer signal here")
@pytest.mark.parametrize("outer", [None, 60.0])
def test_time_that_is_up_within_a_finaliser_is_up_after_it(outer: float | None) -> None:
    ends: list[str] = []
    hook = sys.unraisablehook

    def work() -> None:
        with time_limit(outer), time_limit(0.1):
            Finalised(ends)
            time.sleep(30)

    began = time.monotonic()
    with pytest.raises(TimeUp):
        work()
    assert time.monotonic() - began < 10
    assert ends == []  # it was interrupted, and what was raised there was lost
    assert sys.unraisablehook is hook


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer signal here")
def test_other_errors_of_finalisers_are_printed_within_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: seen.append(str(unraisable.exc_value)))

    class Broken:
        def __del__(self) -> None:
            raise ValueError("planted")

    with time_limit(60.0):
        Broken()
    assert seen == ["planted"]


def lose(number: int) -> None:
    """Send a signal into a finaliser, where what it raises is only printed."""
    threading.Timer(0.1, os.kill, (os.getpid(), number)).start()
    Finalised([])


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_a_signal_that_a_finaliser_lost_comes_again(number: int, kind: type[BaseException]) -> None:
    began = time.monotonic()
    with end_at_second_signal(lambda: None):
        lose(number)
        with pytest.raises(kind):
            time.sleep(30)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("arrived", [KeyboardInterrupt, Terminated])
def test_it_does_not_come_again_where_the_end_came_another_way(number: int, arrived: type[BaseException]) -> None:
    """As from a worker that got Ctrl-C too: what records the end is not interrupted, nor what comes after it."""
    recorded = []
    with end_at_second_signal(lambda: None):
        lose(number)
        try:
            try:
                raise arrived
            finally:
                with suppress(ValueError):  # an error of its own while it ends
                    raise ValueError("planted")
        except BaseException:
            time.sleep(0.3)
            recorded.append(True)
    assert recorded == [True]


def test_it_does_not_come_again_after_the_block() -> None:
    with end_at_second_signal(lambda: None):
        lose(signal.SIGINT)
    time.sleep(0.3)
