"""Commands that follow a running study, and end it, from another terminal or machine."""

from __future__ import annotations

import time

from hpsearch.cli.commands import hpsearch_command, open_store, terminal
from hpsearch.cli.study_display import StudyDisplay
from hpsearch.errors import StudyError, TrackingError
from hpsearch.tracking.home import Overview, OverviewReader
from hpsearch.tracking.runs import location, stop_request
from hpsearch.trial.formatting import count

# Seconds between two looks at a study, and how long its end is waited for.
_POLL_SECONDS, _END_SECONDS = 2.0, 60.0
_ENDS = {"finished": "is finished", "interrupted": "was interrupted", "failed": "failed"}


def watch_study(name: str, tracking_uri: str | None) -> None:
    """Show how far a running study is, until it ends; a store that is away for a while is asked again.

    Raises:
        StudyError: there is no such study, or it does not run.
    """
    reader = OverviewReader(open_store(tracking_uri))
    study = _running(reader, name, tracking_uri)
    with StudyDisplay(terminal()) as shown:
        while study.state == "running":
            shown.update(study)
            time.sleep(_POLL_SECONDS)
            try:
                study = reader.read_one(name)
            except TrackingError as error:
                shown.warn(f"{error} It is tried again.")
        shown.end(study)


def stop_study(name: str, tracking_uri: str | None) -> None:
    """Ask the process that runs a study to end it, and wait for that.

    Raises:
        StudyError: there is no such study, or it does not run, or not in a way that hears of it.
    """
    store = open_store(tracking_uri)
    reader = OverviewReader(store)
    study = _running(reader, name, tracking_uri)
    found = location.find(store, name)
    if found is None or not stop_request.is_heard(found[1]):
        advice = f"End it where it runs{study.host and f', on {study.host}'}, with Ctrl-C."
        raise StudyError(f"Study {name!r} was started by an earlier version, which hears of no request. {advice}")
    stop_request.ask(store.client, found[1])
    console = terminal()
    console.print(f"Asked for the end of {name}{study.host and f', which runs on {study.host}'}.", markup=False, soft_wrap=True)
    end = time.monotonic() + _END_SECONDS
    while (study := reader.read_one(name)).state == "running" and time.monotonic() < end:
        time.sleep(_POLL_SECONDS / 4)
    if study.state == "running":
        command = hpsearch_command("watch", name, tracking_uri=tracking_uri)
        console.print(f"It has not ended yet. Follow it: {command}", markup=False, soft_wrap=True)
    else:
        kept = f"{count(study.done, 'trial')} {'is' if study.done == 1 else 'are'} recorded"
        console.print(f"It has ended; {kept}, and the command that started it resumes it.", markup=False, soft_wrap=True)


def _running(reader: OverviewReader, name: str, tracking_uri: str | None) -> Overview:
    """Return a study that runs.

    Raises:
        StudyError: there is none of this name, or it has ended.
    """
    study = reader.read_one(name)
    if study.state != "running":
        advice = f"See: {hpsearch_command('show', name, tracking_uri=tracking_uri)}"
        raise StudyError(f"Study {name!r} does not run: it {_ENDS[study.state]}, with {count(study.done, 'trial')}. {advice}")
    return study
