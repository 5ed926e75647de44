"""Trials written by several threads: each once, as one thread writes them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hpsearch.tracking import Store
from hpsearch.tracking.lease import LeaseLost, LeaseTimes, take
from hpsearch.tracking.lease.claim import OWNER
from hpsearch.tracking.runs.client_writer import ClientWriter
from tests.tracking.runs.test_database_writer import Written, rejected
from tests.tracking.sample import plain, trials


def by_threads(written: Written, count: int = 4) -> ClientWriter:
    """Return a writer whose threads share a client, which a database allows; a server gets one each."""
    return ClientWriter([written.store.client] * count, written.parent, written.study, written.live(), lambda: True)


def test_threads_write_what_one_writes(store: Store) -> None:
    alone, together = Written(store, "alone"), Written(store, "together")
    every = [*trials(), *(plain(10 + number) for number in range(8))]
    assert alone.by_client().write(every).runs.keys() == by_threads(together).write(every).runs.keys()
    assert together.rows() == alone.rows()


def test_a_rejected_trial_keeps_no_other_out(store: Store) -> None:
    writer = by_threads(Written(store, "rejected"))
    found = writer.write([plain(0), rejected(1), *(plain(number) for number in range(2, 9))])
    assert (sorted(found.runs), sorted(found.errors)) == ([0, *range(2, 9)], [1])
    # Its run was begun, and is gone on with where it is tried again.
    assert writer.begun.keys() <= {1}


def test_nothing_is_begun_after_the_end_was_asked_for(store: Store) -> None:
    written, asked = Written(store, "closed"), threading.Event()
    writer = ClientWriter([store.client] * 3, written.parent, written.study, written.live(), lambda: not asked.is_set())
    asked.set()
    assert writer.write([plain(0), plain(1)]).runs == {}


def test_a_store_that_is_away_ends_the_chunk_and_is_an_error_of_a_trial(root: Path) -> None:
    """What was written before stays told; the others were not tried, or failed alike."""
    store = Store.open(None, root)
    written = Written(store, "away")
    store.client.delete_experiment(written.parent.info.experiment_id)
    found = by_threads(written).write([plain(number) for number in range(40)])
    assert found.runs == {}
    assert 1 <= len(found.errors) <= 40


@pytest.mark.parametrize("count", [1, 3])
def test_a_newer_claim_ends_the_writing(store: Store, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr("hpsearch.tracking.lease.lease.CHECK_SECONDS", 0.0)
    written = Written(store, "lease")
    lease = take(store.client, written.parent.info.run_id, "lease", LeaseTimes())
    store.client.log_param(written.parent.info.run_id, f"{OWNER}2", "somebody else")
    writer = ClientWriter([store.client] * count, written.parent, written.study, written.live(lease), lambda: True)
    with pytest.raises(LeaseLost):
        writer.write([plain(number) for number in range(30)])
