"""Addresses of the studies that a comparison compares, where they are recorded."""

from __future__ import annotations

from contextlib import suppress

from hpsearch.errors import TrackingError
from hpsearch.ports import StudyRecord, TrackedStudy
from hpsearch.tracking.pages import links
from hpsearch.tracking.runs import experiment, study_run
from hpsearch.tracking.store.client import reraised_as_tracking_error
from hpsearch.tracking.store.store import Store


def find_addresses(store: Store, study: TrackedStudy) -> dict[str, str]:
    """Return the address of each related study, relative to the UI; empty where that very study is not recorded."""
    return {name: _address(store, other) for name, other in study.related.items()}


def _address(store: Store, record: StudyRecord) -> str:
    with suppress(TrackingError), reraised_as_tracking_error(f"Study {record.name!r} could not be looked up"):
        found = experiment.find(store, record.name)
        run = None if found is None else study_run.newest(store.client, found.experiment_id)
        same = run is not None and study_run.read_texts(run, study_run.IDENTITY) == dict(record.identity)
        if found is not None and run is not None and same:
            return links.link(found, str(run.info.run_id), record.maximize, "").lstrip("/")
    return ""
