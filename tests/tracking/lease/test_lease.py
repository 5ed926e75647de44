"""The lease: of all processes that want a study, one has it; and it passes on when that one ends or falls silent.

The claims work alike on every store that MLflow has; here it is a SQLite file. Real servers and processes: test_machines.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from hpsearch.errors import TrackingError
from hpsearch.tracking import Store
from hpsearch.tracking.lease import Claim, Lease, LeaseLost, LeaseTimes, Owner, newest_claim, take
from hpsearch.tracking.lease.claim import ENDED, HEARTBEAT, OWNER
from hpsearch.tracking.lease.lease import make_claim
from hpsearch.tracking.runs import candidate, study_run
from tests.command import run_command

TIMES = LeaseTimes(heartbeat=0.05, patience=0.3)


@pytest.fixture
def run_id(store: Store) -> str:
    """Return a run to hold a lease of."""
    return str(store.client.create_run("0").info.run_id)


@pytest.fixture(autouse=True)
def check_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpsearch.tracking.lease.lease.CHECK_SECONDS", 0.0)


def elsewhere(owner: Owner) -> Owner:
    """Return an owner as another machine would have written it."""
    return replace(owner, host="elsewhere", place="another")


def claim_of_another(store: Store, run_id: str, number: int = 1, beat: str = "1 0") -> Claim:
    """Let a process on another machine hold the lease, silently."""
    claim = Claim(number, elsewhere(Owner.of_this_process(TIMES.heartbeat)), beat)
    assert make_claim(store.client, run_id, claim) == claim.owner
    store.client.set_tag(run_id, f"{HEARTBEAT}{number}", beat)
    return claim


def taken(store: Store, run_id: str, **options: Any) -> Lease:
    return take(store.client, run_id, "sample", TIMES, **options)


def test_the_first_owner_is_number_one_and_a_released_lease_passes_on_at_once(store: Store, run_id: str) -> None:
    first = taken(store, run_id)
    assert (first.number, first.inherited) == (1, False)
    first.release()
    second = taken(store, run_id)
    assert (second.number, second.inherited) == (2, False)
    tags = store.client.get_run(run_id).data.tags
    assert f"{HEARTBEAT}1" not in tags  # one heartbeat is enough for a page
    with pytest.raises(LeaseLost, match=r"Study 'sample' was taken over by .* \(process \d+\)"):
        first.hold()


def test_the_heartbeat_moves(store: Store, run_id: str) -> None:
    held = taken(store, run_id)
    before = newest_claim(store.client.get_run(run_id))
    time.sleep(TIMES.heartbeat)
    held.hold()
    after = newest_claim(store.client.get_run(run_id))
    assert before is not None
    assert after is not None
    assert (before.number, before.owner) == (after.number, after.owner)
    assert before.beat.split()[0] == "1"
    assert after.beat.split()[0] == "2"
    assert after.seems_alive


def test_a_silent_owner_elsewhere_is_waited_for_and_succeeded(store: Store, run_id: str, caplog: Any) -> None:
    claim_of_another(store, run_id)
    began = time.monotonic()
    lease = taken(store, run_id)
    assert time.monotonic() - began >= TIMES.patience
    assert (lease.number, lease.inherited) == (2, True)
    assert "Study 'sample' was not ended by elsewhere (process" in caplog.text


def test_an_owner_with_a_longer_interval_is_waited_for_longer(store: Store, run_id: str) -> None:
    """A process that gives a sign of life every minute is not dead after half of one."""
    claim = Claim(1, replace(elsewhere(Owner.of_this_process(0.2)), every=0.2), "1 0")
    make_claim(store.client, run_id, claim)
    began = time.monotonic()
    taken(store, run_id)
    assert time.monotonic() - began >= 0.8


@pytest.mark.parametrize("take_over", [False, True])
def test_a_live_owner_elsewhere_is_never_succeeded(store: Store, run_id: str, take_over: bool) -> None:
    owner = replace(elsewhere(Owner.of_this_process(15.0)), every=15.0)  # waited for up to a minute: a busy machine is slow
    make_claim(store.client, run_id, Claim(1, owner, ""))
    store.client.set_tag(run_id, f"{HEARTBEAT}1", "1 0")
    ended = threading.Event()

    def live() -> None:
        count = 1
        while not ended.wait(0.02):
            count += 1
            store.client.set_tag(run_id, f"{HEARTBEAT}1", f"{count} 0")

    thread = threading.Thread(target=live)
    thread.start()
    try:
        with pytest.raises(TrackingError, match=r"Study 'sample' is being run by elsewhere \(process \d+\)\. Wait"):
            taken(store, run_id, take_over=take_over)
    finally:
        ended.set()
        thread.join()


def test_take_over_shortens_the_wait_and_needs_somebody_to_succeed(store: Store, run_id: str) -> None:
    with pytest.raises(TrackingError, match=r"Study 'sample' is not held by any process\. Leave --take-over out\."):
        taken(store, run_id, take_over=True)
    claim_of_another(store, run_id)
    began = time.monotonic()
    lease = take(store.client, run_id, "sample", LeaseTimes(0.05, 60.0), take_over=True)
    assert time.monotonic() - began < 60
    lease.release()
    with pytest.raises(TrackingError, match="is not held by any process"):
        taken(store, run_id, take_over=True)


def test_a_process_of_this_machine_that_has_ended_is_succeeded_at_once(store: Store, run_id: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = replace(Owner.of_this_process(60.0), process=child.pid, began=psutil.Process(child.pid).create_time())
    assert not owner.is_gone
    # The same id at another time is another process.
    assert replace(owner, began=owner.began - 60).is_gone
    make_claim(store.client, run_id, Claim(1, owner, ""))
    child.communicate(b"\n")
    assert owner.is_gone
    assert not elsewhere(owner).is_gone
    lease = take(store.client, run_id, "sample", LeaseTimes(60.0, 600.0))
    assert (lease.number, lease.inherited) == (2, True)


def test_of_many_that_claim_at_once_one_wins(store: Store) -> None:
    for _ in range(10):
        run_id = str(store.client.create_run("0").info.run_id)
        claims = [Claim(1, replace(Owner.of_this_process(1.0), host=f"host {n}"), "") for n in range(6)]
        with ThreadPoolExecutor(len(claims)) as pool:
            winners = list(pool.map(partial(make_claim, store.client, run_id), claims))
        assert len(set(winners)) == 1
        assert winners[0] in [claim.owner for claim in claims]


def test_of_many_that_begin_a_study_at_once_one_makes_its_run(store: Store) -> None:
    client = store.client
    for round_ in range(10):
        experiment = client.create_experiment(f"race {round_}")

        def begin(number: int, experiment: str = experiment, study: str = f"race {round_}") -> tuple[str, Lease] | None:
            tags = {"hpsearch.kind": "study", "hpsearch.name": study, "by": str(number)}
            return candidate.make_first(client, experiment, "t", tags, study, LeaseTimes(0.05, 5.0))

        with ThreadPoolExecutor(5) as pool:
            made = [found for found in pool.map(begin, range(5)) if found is not None]
        assert len(made) == 1
        runs = client.search_runs([experiment])
        assert [run.info.run_id for run in runs] == [made[0][0]]
        assert study_run.newest(client, experiment, f"race {round_}") is not None


def test_a_process_that_died_while_it_began_a_study_is_cleared_away(store: Store) -> None:
    experiment = store.client.create_experiment("died")
    run_id, _ = candidate.make_next(store.client, experiment, "t", "died", TIMES)
    other = store.client.create_run(experiment, tags={"hpsearch.kind": "candidate", "hpsearch.name": "died"})
    tags = {"hpsearch.kind": "study", "hpsearch.name": "died"}
    assert candidate.make_first(store.client, experiment, "t", tags, "died", TIMES) is None
    made = candidate.make_first(store.client, experiment, "t", tags, "died", TIMES)
    assert made is not None
    left = {run.info.run_id for run in store.client.search_runs([experiment])}
    assert left == {made[0]}
    assert {run_id, other.info.run_id}.isdisjoint(left)


def test_params_and_tags_of_others_are_no_claims(store: Store, run_id: str) -> None:
    for key in (f"{OWNER}x", f"{OWNER}-1", f"{OWNER}", "hpsearch.ownership.3"):
        store.client.log_param(run_id, key, "nonsense")
    assert newest_claim(store.client.get_run(run_id)) is None
    store.client.log_param(run_id, f"{OWNER}7", "nonsense")
    store.client.set_tag(run_id, f"{HEARTBEAT}7", ENDED)
    lease = taken(store, run_id)
    assert lease.number == 8


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_times_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HPSEARCH_PATIENCE_SECONDS", text)
    with pytest.raises(TrackingError, match=r"HPSEARCH_PATIENCE_SECONDS must be a .*number.* Give seconds, such as 15\."):
        LeaseTimes.from_environment()


@pytest.mark.parametrize("host", ["laptop", "my laptop & co=1", "naïve", "%41"])
def test_an_owner_is_read_as_it_was_written(host: str) -> None:
    owner = replace(Owner.of_this_process(0.1 + 0.2), host=host)
    assert Owner.parse(owner.text) == owner
    assert "\n" not in owner.text


@pytest.mark.parametrize("text", ["", "nonsense", "host=a", "{}", "host=a&process=x&began=1&place=p&every=1&token=t"])
def test_an_owner_that_cannot_be_read_is_nobody_here(text: str) -> None:
    owner = Owner.parse(text)
    assert not owner.is_gone
    assert str(owner).startswith("an unknown machine")


def test_this_host_can_be_given_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_HOST", "laptop")
    assert str(Owner.of_this_process(1.0)) == f"laptop (process {os.getpid()})"


def test_take_over_of_nothing_is_one_sentence_on_every_store(root: Path) -> None:
    """Also where no trial is left to run, so that the option would have no effect."""
    study = root / "study.py"
    study.write_text(
        "from hpsearch import Float, Space, Study\nfrom hpsearch.strategies import Random\n"
        "study = Study('nothing', Space(x=Float(0.0, 1.0)), lambda params: params['x'], Random(trials=2))\n"
    )
    said = "hpsearch: Study 'nothing' is not held by any process. Leave --take-over out.\n"
    run = ("run", "study.py", "--backend", "sequential", "--no-report")
    for _ in range(2):
        done = run_command(root, *run, "--take-over")
        assert (done.returncode, done.stderr) == (2, said)
        assert run_command(root, *run).returncode == 0
    done = run_command(root, *run, "--take-over", "--smoke")
    assert done.returncode == 2
    assert "--take-over must be used without --smoke" in done.stderr
