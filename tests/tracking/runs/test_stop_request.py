"""Requests to end a running study: heard by the start that they are addressed to, and by no later one."""

from __future__ import annotations

import time

import pytest

from hpsearch import Float, Space, Study
from hpsearch.execution.signals import StopRequested
from hpsearch.strategies import Random
from hpsearch.tracking import MlflowTracker, Store, open_study
from hpsearch.tracking.runs import location, stop_request


def test_a_request_ends_the_running_study_and_not_the_one_that_resumes_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fourth trial asks, through a client of its own, and would then run for minutes."""
    monkeypatch.setattr(open_study, "STOP_SECONDS", 0.05)
    ran: list[float] = []

    def score(params: dict[str, float]) -> float:
        ran.append(params["x"])
        if len(ran) == 4:
            found = location.find(Store.open(None, store.root), "asked")
            assert found is not None
            assert stop_request.is_heard(found[1])
            stop_request.ask(store.client, found[1])
            time.sleep(300)
        return params["x"]

    study = Study("asked", Space(x=Float(0.0, 1.0)), score, Random(trials=6))
    monkeypatch.setenv("HPSEARCH_HOST", "desk")
    with pytest.raises(StopRequested, match=r"^Stopped by `hpsearch stop` from desk$"):
        study.run(1, backend="sequential", tracker=MlflowTracker(store=store), report=False, model=False)
    parent = store.client.search_runs(["1"], "tags.`hpsearch.kind` = 'study'")[0]
    assert parent.info.status == "KILLED"
    assert len(ran) == 4
    result = study.run(1, backend="sequential", tracker=MlflowTracker(store=store), report=False, model=False)
    assert (len(result.trials), result.taken_over, len(ran)) == (6, 3, 7)
    assert store.client.get_run(parent.info.run_id).info.status == "FINISHED"
    assert stop_request.STOP in store.client.get_run(parent.info.run_id).data.tags  # still there, and of no effect
