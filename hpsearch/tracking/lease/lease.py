"""The right to run a study, held by one process of all machines that share a server.

Whoever runs a study writes the param ``hpsearch.owner.<n>`` of its run, which MLflow lets one process do, and a heartbeat that
moves. A later process waits: if the heartbeat stands still for long enough by its own clock, it writes ``n + 1``; a process
that finds a higher number than its own writes nothing more. No clocks are compared.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpsearch import checks
from hpsearch.errors import TrackingError
from hpsearch.tracking.lease.claim import ENDED, HEARTBEAT, OWNER, Claim, newest_claim
from hpsearch.tracking.lease.owner import Owner

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

logger = logging.getLogger(__name__)
# How long a lease that was checked counts as held.
CHECK_SECONDS = 0.5
# How long an unavailable store is left alone after a heartbeat that it did not take.
PAUSE_SECONDS = 10.0
HEARTBEAT_VARIABLE, PATIENCE_VARIABLE = "HPSEARCH_HEARTBEAT_SECONDS", "HPSEARCH_PATIENCE_SECONDS"


class LeaseLost(TrackingError):
    """Another process has taken the study over."""


@dataclass(frozen=True)
class LeaseTimes:
    """How often an owner gives a sign of life, and how long a silent one is waited for, in seconds."""

    heartbeat: float = 15.0
    patience: float = 60.0

    @classmethod
    def from_environment(cls) -> LeaseTimes:
        """Return the times in HPSEARCH_HEARTBEAT_SECONDS and HPSEARCH_PATIENCE_SECONDS, else the defaults.

        Raises:
            TrackingError: if one of them is no positive number.
        """
        return cls(_seconds(HEARTBEAT_VARIABLE, cls.heartbeat), _seconds(PATIENCE_VARIABLE, cls.patience))


def _seconds(variable: str, default: float) -> float:
    text = os.environ.get(variable) or str(default)
    try:
        given: object = float(text)
    except ValueError:
        given = text
    return checks.number(variable, given, 0.01, 1e6, "Give seconds, such as 15.", error=TrackingError)


class Lease:
    """The right to write under a study's run, as long as nobody makes a newer claim.

    Args:
        client: of the store.
        run_id: the study's run.
        claim: this process's.
        study: its name, for messages.
        before: the claim of the owner before, as it stood when it was succeeded.
    """

    def __init__(self, client: MlflowClient, run_id: str, claim: Claim, study: str, before: Claim | None = None) -> None:
        self._client, self._run_id, self._study = client, run_id, study
        self.number, self.owner, self.before = claim.number, claim.owner, before
        self.run: Run | None = None  # the study's run as it was read last
        self._count = 0
        self._checked = self._beaten = self._paused = -float("inf")

    @property
    def inherited(self) -> bool:
        """Whether the owner before did not release it, and may have written until just now."""
        return self.before is not None and self.before.beat != ENDED

    def hold(self) -> None:
        """Make sure that the lease is held, and give a sign of life where one is due.

        Raises:
            LeaseLost: another process has taken the study over.
        """
        now = time.monotonic()
        if now - self._checked < min(CHECK_SECONDS, self.owner.every / 2):
            return
        self.run = self._client.get_run(self._run_id)
        self.confirm(newest_claim(self.run))
        if now - self._beaten >= self.owner.every:
            self._count += 1
            self._beat(f"{self._count} {round(time.time())}")
            self._beaten = now
        self._checked = now

    def confirm(self, newest: Claim | None) -> None:
        """Make sure that the newest claim on the study is this one.

        Raises:
            LeaseLost: another process has taken the study over.
        """
        if newest is None or newest.owner.token != self.owner.token:
            raise LeaseLost(
                f"Study {self._study!r} was taken over by {'another process' if newest is None else newest.owner}, to which"
                " this process seemed to have ended. This process records nothing more."
            )

    def renew(self) -> None:
        """Hold the lease; a store that is unavailable is tried again later.

        Raises:
            LeaseLost: another process has taken the study over.
        """
        if time.monotonic() < self._paused:
            return
        try:
            self.hold()
        except LeaseLost:
            raise
        except Exception:
            self._paused = time.monotonic() + PAUSE_SECONDS

    def release(self) -> None:
        """Tell others that the study can be run at once; where the store is unavailable, they find out by waiting."""
        with suppress(Exception):
            self._beat(ENDED)

    def _beat(self, text: str) -> None:
        self._client.set_tag(self._run_id, f"{HEARTBEAT}{self.number}", text)


def take(client: MlflowClient, run_id: str, study: str, times: LeaseTimes, take_over: bool = False) -> Lease:
    """Return the lease of a study once it is free.

    Args:
        client: of the store.
        run_id: the study's run.
        study: its name.
        times: of this process.
        take_over: do not wait for a silent owner as long as usual.
    Raises:
        TrackingError: another process holds it and shows that it is alive; or ``take_over`` and there is nobody to succeed.
    """
    before = newest_claim(client.get_run(run_id))
    if take_over:
        check_somebody(study, before)
    if before is not None:
        before = wait_until_free(client, run_id, study, before, times, take_over)
    claim = Claim(1 if before is None else before.number + 1, Owner.of_this_process(times.heartbeat), "")
    winner = make_claim(client, run_id, claim)
    if winner.token != claim.owner.token:
        raise _held(study, winner)
    lease = Lease(client, run_id, claim, study, before)
    lease.hold()
    if before is not None and before.beat:
        with suppress(Exception):  # only tidiness
            client.delete_tag(run_id, f"{HEARTBEAT}{before.number}")
    return lease


def check_somebody(study: str, claim: Claim | None) -> None:
    """Raise a `TrackingError` where there is nobody to take a study over from."""
    if claim is None or claim.beat == ENDED:
        raise TrackingError(f"Study {study!r} is not held by any process. Leave --take-over out.")


def make_claim(client: MlflowClient, run_id: str, claim: Claim) -> Owner:
    """Write a claim unless there is one of its number; return whose it is."""
    key = f"{OWNER}{claim.number}"
    failed: Exception | None = None
    try:
        client.log_param(run_id, key, claim.owner.text)
    except Exception as error:  # the claim of another process, or a response that was lost
        failed = error
    found = client.get_run(run_id).data.params.get(key)
    if found is None and failed is not None:
        raise failed
    return Owner.parse(found or "")


def wait_until_free(
    client: MlflowClient, run_id: str, study: str, claim: Claim, times: LeaseTimes, take_over: bool = False
) -> Claim:
    """Wait until a claim's owner has released it, has ended, or has shown no sign of life for long enough; return it.

    Raises:
        TrackingError: its owner is alive.
    """
    if claim.is_free:
        return claim
    seconds = 2 * claim.owner.every if take_over else max(times.patience, 4 * claim.owner.every)
    logger.warning(
        "Study %r was not ended by %s. Waiting up to %g s for a sign of life there.", study, claim.owner, round(seconds, 1)
    )
    watched = _watch(lambda: newest_claim(client.get_run(run_id)), claim, seconds)
    if not watched.is_free and (watched.number, watched.beat) != (claim.number, claim.beat):
        raise _held(study, watched.owner)
    return watched


def _watch(read: Callable[[], Claim | None], claim: Claim, seconds: float) -> Claim:
    """Return the newest claim as soon as it differs, is free, or the time is over."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, max(claim.owner.every / 4, 0.02), 1.0))
        found = read() or claim
        if found.is_free or (found.number, found.beat) != (claim.number, claim.beat):
            return found
    return claim


def _held(study: str, owner: Owner) -> TrackingError:
    return TrackingError(
        f"Study {study!r} is being run by {owner}. Wait for that to end or end it there, or give this study another name."
    )
