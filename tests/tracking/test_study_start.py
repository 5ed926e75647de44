"""Params of a study's own run, as MLflow's client reads them."""

from __future__ import annotations

import getpass
import socket

import pytest

from hpsearch import Float, Space
from hpsearch.ports import DataRecord
from hpsearch.tracking import MlflowTracker, Store
from tests.tracking.sample import tracked


def test_a_study_can_be_found_by_what_it_is_and_who_ran_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resume on another machine leaves them: MLflow lets no param change."""
    space = Space(rate=Float(0.1, 1.0))
    study = tracked(space=space, data=DataRecord("digits", "0" * 64, 64, 10))
    tracker = MlflowTracker(store=store)
    tracker.start(study)
    tracker.finish("killed", [])
    client = store.client
    [run] = client.search_runs(["1"], "tags.`hpsearch.kind` = 'study'")
    expected = {
        "study.space": repr(space),
        "study.strategy": study.record.identity["strategy"],
        "study.data": "digits",
        "study.host": socket.gethostname(),
        "study.user": getpass.getuser(),
    }
    assert run.data.params == expected
    monkeypatch.setattr("hpsearch.tracking.study_start.host_name", lambda: "elsewhere")
    tracker = MlflowTracker(store=Store.open(None, store.root))
    tracker.start(study)
    tracker.finish("finished", [])
    run = client.get_run(run.info.run_id)
    assert run.data.params == expected
    assert run.data.tags["hpsearch.host"] == "elsewhere"
    assert client.search_runs(["1"], "params.`study.data` = 'digits'")[0].info.run_id == run.info.run_id
