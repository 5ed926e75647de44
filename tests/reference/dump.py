"""Everything of the reference studies that two checkouts of hpsearch are compared by, as one JSON text.

python -m tests.reference.dump FILE [NAME ...]

Run by `tests.reference.compare`, with the checkout's hpsearch on the path.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import tempfile
from collections.abc import Iterable
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hpsearch
from hpsearch import Study
from hpsearch.tracking import MlflowTracker
from tests.reference.studies import STUDIES
from tests.reference.trial_tables import table_of

Rows = list[list[str]]
# Studies recorded in MLflow too: kinds of ranges, moves and confirmation, budgets and continued trials with a model.
STORED = ("random_mixed", "staged_moving", "network_halving")
# What says where, by whom and how long, and prose; all else is compared, so all of our own tags.
_LEFT_OUT = re.compile(r"mlflow\.(user|source\..*|note\.content|log-model\.history)|result/seconds")
# Names drawn at random: of a logged model; and of a view of a study's runs, a digest of what it shows, run ids included.
_DRAWN = re.compile(r"(?<=models:/m-)[0-9a-f]{32}|(?<=sharedViewState\.hpsearch-)[0-9a-f]{16}")


def dump(names: list[str]) -> dict[str, Any]:
    """Run the studies named, or all that can be run here."""
    chosen = [name for name in names or STUDIES if all(find_spec(package) for package in STUDIES[name].needs)]
    return {
        "package": str(Path(hpsearch.__file__).parent),
        "studies": {name: table_of(name) | {"texts": texts(STUDIES[name].make())} for name in chosen},
        "stores": stores_of(name for name in chosen if name in STORED),
    }


def texts(study: Study) -> dict[str, str]:
    """Return the reprs of a study's parts, without addresses."""
    parts = {"strategy": study.strategy, "objective": study.objective, "space": study.space}
    return {name: re.sub(r" at 0x[0-9a-fA-F]+", "", repr(part)) for name, part in parts.items()}


def stores_of(names: Iterable[str]) -> dict[str, Rows]:
    """Record studies in one fresh MLflow store, and return runs, tags, params and metrics of each as sorted rows of text."""
    studies = {name: STUDIES[name].make() for name in names}
    if not studies:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        for study in studies.values():
            tracker = MlflowTracker(f"sqlite:///{Path(folder).as_posix()}/mlflow.db", Path(folder))
            study.run(jobs=1, backend="sequential", tracker=tracker, report=False)
        with closing(sqlite3.connect(Path(folder) / "mlflow.db")) as database:
            return {name: _rows(database, study.name, folder) for name, study in studies.items()}


def _rows(database: sqlite3.Connection, experiment: str, folder: str) -> Rows:
    (number,) = database.execute("select experiment_id from experiments where name = ?", (experiment,)).fetchone()
    found = database.execute("select run_uuid, name, status, lifecycle_stage from runs where experiment_id = ?", (number,))
    runs = {run: ["run", *rest] for run, *rest in found}
    names = {run: row[1] for run, row in runs.items()}
    tags = database.execute("select key, value from experiment_tags where experiment_id = ?", (number,))
    rows = [*runs.values(), *(["experiment tag", *row] for row in tags)]
    for kind, table in (("tag", "tags"), ("param", "params"), ("metric", "latest_metrics")):
        held = database.execute(f"select run_uuid, key, value from {table}")
        rows += [[kind, names[run], *row] for run, *row in held if run in names]
    rows = [row for row in rows if not _LEFT_OUT.fullmatch(row[-2])]
    kept = [[*row[:-1], _facts(row[-1])] if row[-2] == "hpsearch.facts" else row for row in rows]
    return sorted([_plain(str(cell), names, folder) for cell in row] for row in kept)


def _facts(text: str) -> str:
    """Return facts without those of git, and the BLAS libraries in order: they are found in that of a hash."""
    found = {name: fact for name, fact in json.loads(text).items() if not name.startswith("git_")}
    return json.dumps(found | {"blas": ", ".join(sorted(found["blas"].split(", ")))})


def _plain(text: str, names: dict[str, str], folder: str) -> str:
    """Return a text with run ids replaced by the names of their runs, and without the store's own folder."""
    for run, name in names.items():
        text = text.replace(run, f"<{name}>")
    return _DRAWN.sub("...", text.replace(folder, "<folder>"))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(dump(sys.argv[2:])), encoding="utf-8")
