"""The parent run of a study: its tags, its children, and what of both is read back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.ports import StudyRecord
from hpsearch.tracking.store import names
from hpsearch.tracking.store.client import PAGE, children, search

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

CHOSEN = "chosen_value"


PARENTS = "tags.`hpsearch.kind` = 'study'"
IDENTITY, FACTS = "hpsearch.identity", "hpsearch.facts"
SUPERSEDED = "hpsearch.superseded"


@dataclass(frozen=True)
class Children:
    """The trials under a parent: complete ones by number, and runs that a kill or a retry left over."""

    complete: Mapping[int, Run]
    half_written: list[Run]
    repeated: list[Run]


def newest(client: MlflowClient, experiment_id: str) -> Run | None:
    """Return the latest parent run that no fresh start has superseded."""
    standing = [run for run in search(client, experiment_id, PARENTS) if SUPERSEDED not in run.data.tags]
    return standing[-1] if standing else None


def read_children(client: MlflowClient, parent: Run, page: int = PAGE) -> Children:
    """Return the trials of a parent, in order of number."""
    return sorted_out(search(client, parent.info.experiment_id, children(parent.info.run_id), page))


def sorted_out(runs: Iterable[Run]) -> Children:
    """Return the trials of one parent, in order of number; of two with one number the one that stands first counts."""
    complete: dict[int, Run] = {}
    half_written, repeated = [], []
    for run in runs:
        number = int(run.data.tags["hpsearch.number"])
        if run.info.status not in ("FINISHED", "FAILED"):
            half_written.append(run)
        elif number in complete:
            repeated.append(run)
        else:
            complete[number] = run
    return Children(dict(sorted(complete.items())), half_written, repeated)


def tags(record: StudyRecord, root: Path) -> dict[str, str]:
    """Return the tags of a parent run.

    Identity and facts are one JSON text each: one chip a piece in the UI, where twenty would push the note off the screen.
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
    short = {name: names.fitted(text) for name, text in (given | ours).items() if text is not None}
    identity = names.packed(IDENTITY, json.dumps(dict(record.identity)))
    return short | identity | names.packed(FACTS, json.dumps(dict(record.facts)))


def read_texts(run: Run, name: str) -> dict[str, str]:
    """Return the recorded identity or facts."""
    found: dict[str, str] = json.loads(names.unpacked(run.data.tags, name) or "{}")
    return found


def document(record: StudyRecord) -> str:
    """Return the complete record as JSON, for the artifact ``study.json``."""
    fields = {
        "name": record.name,
        "question": record.question,
        "source": record.source,
        "maximize": record.maximize,
        "space": repr(record.space),
        "identity": dict(record.identity),
        "facts": dict(record.facts),
        "tags": dict(record.tags),
    }
    return names.clean(json.dumps(fields, indent=2))


def relative(source: str | None, root: Path) -> str | None:
    """Return the study's file relative to the project, so that it is found again after the project has moved."""
    inside = source is not None and Path(source).is_relative_to(root)
    return Path(source).relative_to(root).as_posix() if source is not None and inside else source


def _commit(facts: Mapping[str, str]) -> str | None:
    """Return the commit among the facts, from which MLflow links a run to its source."""
    found = re.search(r"\b[0-9a-f]{7,40}\b", facts.get("git_commit", ""))
    return found.group() if found else None
