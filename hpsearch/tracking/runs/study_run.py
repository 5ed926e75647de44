"""The experiment and the parent run of a study: its tags, its child runs, and the files attached to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.ports import EarlierIdentity, StudyRecord, TrackedStudy
from hpsearch.tracking.lease.claim import written_under
from hpsearch.tracking.runs.trial_keys import file_paths
from hpsearch.tracking.runs.writer import write_files
from hpsearch.tracking.store import names
from hpsearch.tracking.store.client import PAGE, children, search
from hpsearch.tracking.store.names import experiment_name
from hpsearch.tracking.store.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

CHOSEN = "chosen_value"
PARENTS = "tags.`hpsearch.kind` = 'study'"
IDENTITY, IDENTITY_V2, EARLIER, FACTS = "hpsearch.identity", "hpsearch.identity_v2", "hpsearch.earlier", "hpsearch.facts"
SUPERSEDED = "hpsearch.superseded"
# The tag with the names of the attached files, and how many trials there were when they were made.
ATTACHED = "hpsearch.attached"


@dataclass(frozen=True)
class Children:
    """The trials under a parent: complete runs by number, and runs that a kill or a retry left over."""

    complete: Mapping[int, Run]
    half_written: list[Run]
    repeated: list[Run]


def newest(client: MlflowClient, experiment_id: str) -> Run | None:
    """Return the latest parent run that no fresh start has superseded, or None."""
    standing = [run for run in search(client, experiment_id, PARENTS) if SUPERSEDED not in run.data.tags]
    return standing[-1] if standing else None


def read_children(client: MlflowClient, parent: Run, page: int = PAGE) -> Children:
    """Return the trials of a parent, in order of number."""
    return sort_runs(search(client, parent.info.experiment_id, children(parent.info.run_id), page))


def sort_runs(runs: Iterable[Run]) -> Children:
    """Sort the trials of one parent by number.

    Of two runs with one number that of the newest owner counts, and of one owner's the first.
    """
    complete: dict[int, Run] = {}
    half_written, repeated = [], []
    for run in runs:
        number = int(run.data.tags["hpsearch.number"])
        before = complete.get(number)
        if run.info.status not in ("FINISHED", "FAILED"):
            half_written.append(run)
        elif before is None or written_under(run) > written_under(before):
            repeated += [] if before is None else [before]
            complete[number] = run
        else:
            repeated.append(run)
    return Children(dict(sorted(complete.items())), half_written, repeated)


def supersede(client: MlflowClient, experiment_id: str) -> None:
    """Mark the runs of earlier starts, so that none of them is resumed again."""
    for run in search(client, experiment_id, PARENTS):
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
        "hpsearch.source": source,
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


def read_texts(run: Run, name: str) -> dict[str, str]:
    """Return the texts that are recorded under a name."""
    found: dict[str, str] = json.loads(names.unpack_text(run.data.tags, name) or "{}")
    return found


def read_identity(run: Run) -> dict[str, str]:
    """Return the recorded identity, by the newest rule that it was recorded under."""
    return read_texts(run, IDENTITY_V2) or read_texts(run, IDENTITY)


def read_identity_v1(run: Run) -> dict[str, str]:
    """Return the recorded identity by the rule of version 1, where there is a newer one beside it."""
    return read_texts(run, IDENTITY) if read_texts(run, IDENTITY_V2) else {}


def read_earlier(run: Run) -> list[EarlierIdentity]:
    """Return what the study was before its objective changed, the oldest first."""
    found = json.loads(names.unpack_text(run.data.tags, EARLIER) or "[]")
    return [EarlierIdentity(change["identity"], change["trials"]) for change in found]


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
    kept = json.loads(names.unpack_text(run.data.tags, ATTACHED) or "{}")
    fresh = trials is None or kept.get("trials") == trials
    return tuple(kept.get("files", ())) if fresh else ()


def pictures(files: Iterable[str]) -> tuple[str, ...]:
    """Return those of the files that a page can show.

    >>> pictures(["report.html", "plots/history.png"])
    ('plots/history.png',)
    """
    return tuple(name for name in files if name.endswith(".png"))


NAME_TAG = "hpsearch.name"


def find_experiment(store: Store, study: str) -> Experiment | None:
    """Return the active experiment of a study, or None."""
    found = store.client.get_experiment_by_name(experiment_name(study))
    return found if found is not None and found.lifecycle_stage == "active" else None


def ensure_experiment(store: Store, study: str) -> str:
    """Return the id of a study's experiment, creating it where there is none.

    A deleted experiment keeps its name in MLflow; it is renamed, stays deleted, and a note says so.
    """
    client = store.client
    name = experiment_name(study)
    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage != "active":
        _set_aside(store, found)
        found = None
    if found is None:
        tags = {NAME_TAG: study, "hpsearch.kind": "study"}
        return str(client.create_experiment(name, artifact_location=store.artifact_location(study), tags=tags))
    if NAME_TAG not in found.tags:
        client.set_experiment_tag(found.experiment_id, NAME_TAG, study)
    return str(found.experiment_id)


def _set_aside(store: Store, found: Experiment) -> None:
    """Free the name of a deleted experiment."""
    aside = free_name(found)
    rename_deleted(store.client, found, aside)
    store.notes.append(f"The deleted experiment {found.name!r} was renamed to {aside!r} and stays deleted; a new one begins.")


def free_name(found: Experiment) -> str:
    """Return a name for a deleted experiment that no study will have."""
    return f"{found.name} (deleted {found.experiment_id})"


def rename_deleted(client: MlflowClient, found: Experiment, name: str) -> None:
    """Give a deleted experiment another name; MLflow renames active ones only."""
    client.restore_experiment(found.experiment_id)
    client.rename_experiment(found.experiment_id, name)
    client.delete_experiment(found.experiment_id)
