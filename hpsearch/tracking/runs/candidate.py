"""The first run of a study on a server, of which several machines may make one at the same instant: one of them counts.

Each makes a candidate and then claims every candidate that it sees, its own included, in one order. Of two processes at least
one sees the other's, so both want that one's claim, and only one can have it: whoever gets all that it wants is first. A
candidate is no study, and nobody else sees it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from hpsearch.tracking.lease import Claim, Lease, LeaseTimes, Owner, newest_claim
from hpsearch.tracking.lease.lease import make_claim
from hpsearch.tracking.runs.study_run import NAME_TAG, newest
from hpsearch.tracking.runs.writer import write_points
from hpsearch.tracking.store.client import search

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

logger = logging.getLogger(__name__)
_CANDIDATES = "tags.`hpsearch.kind` = 'candidate'"
_POLL_SECONDS = 0.2


def make_first(
    client: MlflowClient, experiment_id: str, title: str, tags: Mapping[str, str], study: str, times: LeaseTimes
) -> tuple[str, Lease] | None:
    """Make the first run of a study; return its id and its lease, or None where another process was first.

    Args:
        client: of the store.
        experiment_id: the study's experiment.
        title: the run's name.
        tags: those of the study, which make it one.
        study: its name.
        times: of this process.
    """
    claim = Claim(1, Owner.of_this_process(times.heartbeat), "")
    run_id = _make(client, experiment_id, title, study)
    rivals = sorted(run.info.run_id for run in candidates(client, experiment_id, study))
    first = newest(client, experiment_id, study) is None and all(_is_won(client, rival, claim, run_id) for rival in rivals)
    if not first:
        client.delete_run(run_id)
        _wait(client, experiment_id, study, times)
        return None
    lease = begin(client, run_id, tags, claim, study)
    for rival in rivals:
        if rival != run_id:
            with suppress(Exception):  # its own process deletes it, too
                client.delete_run(rival)
    return run_id, lease


def make_next(client: MlflowClient, experiment_id: str, title: str, study: str, times: LeaseTimes) -> tuple[str, Claim]:
    """Make another run of a study whose lease is held, and claim it; `begin` makes it the study's run."""
    claim = Claim(1, Owner.of_this_process(times.heartbeat), "")
    run_id = _make(client, experiment_id, title, study)
    make_claim(client, run_id, claim)
    return run_id, claim


def begin(client: MlflowClient, run_id: str, tags: Mapping[str, str], claim: Claim, study: str) -> Lease:
    """Make a candidate the run of its study, and return its lease."""
    lease = Lease(client, run_id, claim, study)
    lease.hold()
    write_points(client, run_id, {}, 0, 0.0, tags)
    return lease


def candidates(client: MlflowClient, experiment_id: str, study: str) -> list[Run]:
    """Return the runs that were made to become a study's, and are not yet."""
    return [run for run in search(client, experiment_id, _CANDIDATES) if run.data.tags.get(NAME_TAG) == study]


def _make(client: MlflowClient, experiment_id: str, title: str, study: str) -> str:
    tags = {"hpsearch.kind": "candidate", NAME_TAG: study}
    return str(client.create_run(experiment_id, tags=tags, run_name=title).info.run_id)


def _is_won(client: MlflowClient, rival: str, claim: Claim, own: str) -> bool:
    """Claim a candidate; one that its process has given up does not count."""
    try:
        return make_claim(client, rival, claim).token == claim.owner.token
    except Exception:
        if rival != own and client.get_run(rival).info.lifecycle_stage != "active":
            return True
        raise


def _wait(client: MlflowClient, experiment_id: str, study: str, times: LeaseTimes) -> None:
    """Wait for the study of the process that was first; one that ended before it had made its study is cleared away."""
    end = time.monotonic() + times.patience
    while newest(client, experiment_id, study) is None:
        rivals = candidates(client, experiment_id, study)
        for rival in rivals:
            if time.monotonic() > end or _is_gone(rival):
                logger.warning("A process ended while it began the study; its run %s is removed.", rival.info.run_id)
                client.delete_run(rival.info.run_id)
        if not rivals:
            return
        time.sleep(_POLL_SECONDS)


def _is_gone(rival: Run) -> bool:
    claim = newest_claim(rival)
    return claim is not None and claim.owner.is_gone
