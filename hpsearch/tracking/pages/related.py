"""Where the studies are recorded that another study is about, such as the arms of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from hpsearch.errors import TrackingError
from hpsearch.ports import StudyRecord
from hpsearch.tracking.pages import links
from hpsearch.tracking.runs import experiment, markup, study_run
from hpsearch.tracking.store.client import reraised_as_tracking_error
from hpsearch.tracking.store.store import Store


def addresses(store: Store, record: StudyRecord) -> dict[str, str]:
    """Return the address, within the pages, of each study that a study is about; empty where it is not recorded as it is."""
    return {name: _address(store, other) for name, other in record.about.items()}


def _address(store: Store, record: StudyRecord) -> str:
    with suppress(TrackingError), reraised_as_tracking_error(f"Study {record.name!r} could not be looked up"):
        found = experiment.find(store, record.name)
        run = None if found is None else study_run.newest(store.client, found.experiment_id)
        same = run is not None and study_run.read_texts(run, study_run.IDENTITY) == dict(record.identity)
        if found is not None and run is not None and same:
            return links.link(found, str(run.info.run_id), record.maximize, "").lstrip("/")
    return ""


def sentence(found: Mapping[str, str]) -> str:
    """Return the links for a note, or an empty text where there is nothing to lead to."""
    shown = [markup.link(markup.plain(name, 60), address) for name, address in found.items() if address]
    return f"Recorded by themselves: {', '.join(shown)}." if shown else ""
