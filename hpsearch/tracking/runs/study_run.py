"""The experiment and the parent run of a study: its tags, its child runs, and the files attached to it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hpsearch.ports import EarlierIdentity, StudyRecord, TrackedStudy
from hpsearch.tracking.lease.claim import written_under
from hpsearch.tracking.runs.collector import collector_paused
from hpsearch.tracking.runs.database_reader import search_children
from hpsearch.tracking.runs.trial_keys import SECONDS, file_paths
from hpsearch.tracking.runs.trial_tags import Damage, DamagedRun, read_mapping, read_tag, read_tags
from hpsearch.tracking.runs.writer import write_files
from hpsearch.tracking.store import names
from hpsearch.tracking.store.client import PAGE, search
from hpsearch.tracking.store.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

logger = logging.getLogger(__name__)
Value = TypeVar("Value")
CHOSEN = "chosen_value"
PARENTS = "tags.`hpsearch.kind` = 'study'"
IDENTITY, IDENTITY_V2, EARLIER, FACTS = "hpsearch.identity", "hpsearch.identity_v2", "hpsearch.earlier", "hpsearch.facts"
# What addresses the latest start of a study, and the machine where that was.
START, HOST = "hpsearch.start", "hpsearch.host"
MEASURE, PLANNED = "hpsearch.measure", "hpsearch.planned"
NAME_TAG, SOURCE, SUPERSEDED = "hpsearch.name", "hpsearch.source", "hpsearch.superseded"
# The tag with the names of the attached files, and how many trials there were when they were made.
ATTACHED = "hpsearch.attached"


@dataclass(frozen=True)
class Children:
    """The trials under a parent: complete runs by number, what a kill or a retry left over, and what cannot be read."""

    complete: Mapping[int, Run]
    half_written: list[Run]
    repeated: list[Run]
    damaged: Sequence[Damage] = ()


def is_start_of(run: Run, study: str) -> bool:
    """Return whether a parent run is one of this study's; one that lost its name is of the study of its experiment."""
    name = names.fit_text(study)
    return bool(run.data.tags.get(NAME_TAG, name) == name)


def starts(client: MlflowClient, experiment_id: str, study: str) -> list[Run]:
    """Return the parent runs of a study, the oldest first; an experiment may hold several studies."""
    return [run for run in search(client, experiment_id, PARENTS) if is_start_of(run, study)]


def newest(client: MlflowClient, experiment_id: str, study: str) -> Run | None:
    """Return the latest parent run of a study that no fresh start has superseded, or None."""
    standing = [run for run in starts(client, experiment_id, study) if SUPERSEDED not in run.data.tags]
    return standing[-1] if standing else None


@collector_paused()
def read_children(store: Store, parent: Run, page: int = PAGE) -> Children:
    """Return the trials of a parent, in order of number."""
    return sort_runs(search_children(store, parent, page))


def sort_runs(runs: Iterable[Run]) -> Children:
    """Sort the trials of one parent by number.

    Of two runs with one number that can be read, that of the newest owner counts, and of one owner's the first.
    """
    complete: dict[int, Run] = {}
    half_written, repeated, damaged = [], [], []
    for run in runs:
        if not _is_complete(run):
            half_written.append(run)
            continue
        try:
            number = read_tags(run).number
        except DamagedRun as error:
            damaged.append(Damage.of(run, error))
            continue
        before = complete.get(number)
        if before is None or written_under(run) > written_under(before):
            repeated += [] if before is None else [before]
            complete[number] = run
        else:
            repeated.append(run)
    return Children(dict(sorted(complete.items())), half_written, repeated, damaged)


def _is_complete(run: Run) -> bool:
    """Return whether everything of a trial was written; somebody who logged to its run later may have ended it as killed."""
    return run.info.status in ("FINISHED", "FAILED") or (run.info.status == "KILLED" and SECONDS in run.data.metrics)


def supersede(client: MlflowClient, experiment_id: str, study: str) -> None:
    """Mark the runs of earlier starts, so that none of them is resumed again."""
    for run in starts(client, experiment_id, study):
        client.set_tag(run.info.run_id, SUPERSEDED, "true")
        if run.info.status == "RUNNING":
            client.set_terminated(run.info.run_id, "KILLED")


def tags(record: StudyRecord, root: Path) -> dict[str, str]:
    """Return the tags of a parent run.

    Identity and facts are one JSON text each: the UI shows every tag above the note, and twenty would hide it.
    """
    source = relative(record.source, root)
    ours = {
        "hpsearch.kind": "study",
        "hpsearch.name": record.name,
        "hpsearch.question": record.question,
        "hpsearch.direction": "maximize" if record.maximize else "minimize",
        "hpsearch.strategy": record.identity.get("strategy"),
        MEASURE: record.measure,
        PLANNED: None if record.planned is None else str(record.planned),
        SOURCE: source,
        "mlflow.source.name": source,
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": _commit(record.facts),
    }
    given = {names.key(name): text for name, text in record.tags.items()}
    short = {name: names.fit_text(text) for name, text in (given | ours).items() if text is not None}
    # A study that was recorded by the rule of version 1 keeps that text, and has the newer one beside it.
    texts = {IDENTITY: record.identity_v1, IDENTITY_V2: record.identity} if record.identity_v1 else {IDENTITY: record.identity}
    packed = [names.pack_text(name, json.dumps(dict(text))) for name, text in [*texts.items(), (FACTS, record.facts)]]
    changes = [{"identity": dict(change.identity), "trials": list(change.trials)} for change in record.earlier]
    earlier = names.pack_text(EARLIER, json.dumps(changes)) if changes else {}
    return {name: text for tags in (short, *packed, earlier) for name, text in tags.items()}


def params(record: StudyRecord, host: str, user: str | None) -> dict[str, str]:
    """Return the params of a parent run, by which people filter and compare studies in MLflow's tables.

    They have a prefix: a trial's own parameter may be called ``data``.
    """
    texts = {
        "space": record.identity.get("space"),
        "strategy": record.identity.get("strategy"),
        "data": record.data and record.data.name,
        "host": host,
        "user": user,
    }
    return {f"study.{name}": names.fit_text(text) for name, text in texts.items() if text}


def read_facts(run: Run) -> dict[str, str]:
    """Return the recorded facts; none where they cannot be read, since nothing but sentences depends on them."""
    try:
        return read_tag(run, FACTS, read_mapping, {})
    except DamagedRun as error:
        logger.warning("The recorded versions and machine are not known: %s.", error.what)
        return {}


def read_identity(run: Run) -> dict[str, str]:
    """Return the recorded identity, by the newest rule that it was recorded under.

    Raises:
        DamagedRun: the tag is missing or cannot be read.
    """
    nothing: dict[str, str] = {}
    return _read(run, IDENTITY_V2, read_mapping, nothing) or _read(run, IDENTITY, read_mapping)


def read_identity_v1(run: Run) -> dict[str, str]:
    """Return the recorded identity by the rule of version 1, where there is a newer one beside it."""
    nothing: dict[str, str] = {}
    return _read(run, IDENTITY, read_mapping) if _read(run, IDENTITY_V2, read_mapping, nothing) else nothing


def read_earlier(run: Run) -> list[EarlierIdentity]:
    """Return what the study was before its objective changed, the oldest first.

    Raises:
        DamagedRun: the tag cannot be read.
    """
    return _read(run, EARLIER, _parse_earlier, [])


def _read(run: Run, tag: str, parse: Callable[[str], Value], *default: Value) -> Value:
    """Return a tag without which a study cannot be compared with its record; an error says what to do then."""
    try:
        return read_tag(run, tag, parse, *default)
    except DamagedRun as error:
        study = run.data.tags.get(NAME_TAG, run.info.run_name)
        what = f"{error.what}, so study {study!r} cannot be compared with its record"
        raise DamagedRun(run, what, "Give it another name, or start anew with --fresh (fresh=True).") from error


def _parse_earlier(text: str) -> list[EarlierIdentity]:
    return [EarlierIdentity(change["identity"], change["trials"]) for change in json.loads(text)]


def document(study: TrackedStudy) -> str:
    """Return the record and the space as JSON, for the artifact ``study.json``."""
    record = study.record
    fields = {
        "name": record.name,
        "question": record.question,
        "source": record.source,
        "maximize": record.maximize,
        "space": repr(study.space),
        "identity": dict(record.identity),
        "facts": dict(record.facts),
        "tags": dict(record.tags),
    }
    return names.clean_text(json.dumps(fields, indent=2))


def relative(source: str | None, root: Path) -> str | None:
    """Return the study's file relative to the project, so that it is found after the project has moved."""
    inside = source is not None and Path(source).is_relative_to(root)
    return Path(source).relative_to(root).as_posix() if source is not None and inside else source


def _commit(facts: Mapping[str, str]) -> str | None:
    """Return the commit among the facts, from which MLflow links a run to its source."""
    found = re.search(r"\b[0-9a-f]{7,40}\b", facts.get("git_commit", ""))
    return found.group() if found else None


def attach(client: MlflowClient, run_id: str, files: Mapping[str, bytes], trials: int) -> None:
    """Write files under a study's run, at their names where these are safe paths, and list them in a tag."""
    paths = file_paths(files)
    checked = {paths[name]: content for name, content in files.items()}
    write_files(client, run_id, checked)
    for tag, text in names.pack_text(ATTACHED, json.dumps({"trials": trials, "files": list(checked)})).items():
        client.set_tag(run_id, tag, text)


def attached(run: Run, trials: int | None = None) -> tuple[str, ...]:
    """Return the names of the files under a study's run; with ``trials``, none where they were made from another number."""
    try:
        kept: dict[str, Any] = read_tag(run, ATTACHED, _parse_attached, {})
    except DamagedRun:  # the report is written again
        kept = {}
    fresh = trials is None or kept.get("trials") == trials
    return tuple(kept.get("files", ())) if fresh else ()


def _parse_attached(text: str) -> dict[str, Any]:
    found: dict[str, Any] = dict(json.loads(text))
    return found


def pictures(files: Iterable[str]) -> tuple[str, ...]:
    """Return those of the files that a page can show.

    >>> pictures(["report.html", "plots/history.png"])
    ('plots/history.png',)
    """
    return tuple(name for name in files if name.endswith(".png"))
