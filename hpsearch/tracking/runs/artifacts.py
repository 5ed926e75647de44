"""Files that belong to a whole study, as artifacts of its run: the pictures, the report, the table of all trials."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from hpsearch.tracking.runs.trial_run import file_paths
from hpsearch.tracking.runs.writer import write_files
from hpsearch.tracking.store import names

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

# The names of the files, and how many trials there were when they were made.
ATTACHED = "hpsearch.attached"


def attach(client: MlflowClient, run_id: str, files: Mapping[str, bytes], trials: int) -> None:
    """Write files under a study's run, each at the path that is its name where that is safe, and note that they are there."""
    paths = file_paths(files)
    checked = {paths[name]: content for name, content in files.items()}
    write_files(client, run_id, checked)
    for tag, text in names.packed(ATTACHED, json.dumps({"trials": trials, "files": list(checked)})).items():
        client.set_tag(run_id, tag, text)


def attached(run: Run, trials: int | None = None) -> tuple[str, ...]:
    """Return the names of the files under a study's run; with ``trials``, none where they were made of another number."""
    kept = json.loads(names.unpacked(run.data.tags, ATTACHED) or "{}")
    fresh = trials is None or kept.get("trials") == trials
    return tuple(kept.get("files", ())) if fresh else ()


def pictures(files: Iterable[str]) -> tuple[str, ...]:
    """Return those of the files that a page can show.

    >>> pictures(["report.html", "plots/history.png"])
    ('plots/history.png',)
    """
    return tuple(name for name in files if name.endswith(".png"))
