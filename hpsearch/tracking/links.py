"""Links into the MLflow UI that open a study on the table of its trials, best first, and the views they show.

MLflow opens an experiment on a page about traces, and its table shows neither params nor values. A shared view, an
experiment tag that the UI reads, makes both plain. Its format is the UI's own, so everything here works without it too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from hpsearch.ports import StudyRecord
from hpsearch.ranges import Choice
from hpsearch.tracking import names
from hpsearch.tracking.client import children
from hpsearch.tracking.trial_run import outcome_keys
from hpsearch.trial import Trial

if TYPE_CHECKING:
    from mlflow.entities import Experiment

BASE = "http://127.0.0.1:5000"
TAG = "mlflow.sharedViewState."
RUNS_SHOWN = 100


def study_link(experiment_id: str, run_id: str, base: str = BASE, shared: bool = True, maximize: bool = False) -> str:
    """Return the address of a study's trials, best first; ``shared=False`` where its view could not be stored."""
    query = {"workflowType": "machine_learning"}
    if shared:
        query |= {"viewStateShareKey": view_key(run_id)}
    else:
        query |= {"searchFilter": children(run_id), "orderByKey": "metrics.`value`", "orderByAsc": str(not maximize).lower()}
    return f"{base.rstrip('/')}/#/experiments/{experiment_id}/runs?{urlencode(query)}"


def home(base: str = BASE) -> str:
    """Return the address of the list of experiments."""
    return f"{base.rstrip('/')}/#/experiments"


def link(experiment: Experiment, run_id: str, maximize: bool = False, base: str = BASE) -> str:
    """Return the address of a study's trials: through its view if the experiment has one."""
    shared = TAG + view_key(run_id) in experiment.tags
    return study_link(experiment.experiment_id, run_id, base, shared, maximize)


def view_key(run_id: str) -> str:
    """Return the key of a study's view, the rest of its experiment tag."""
    return f"hpsearch-{run_id[:16]}"


def view(record: StudyRecord, run_id: str, trials: Sequence[Trial]) -> str:
    """Return the view of a study as the UI reads it: columns for what its trials have, and charts."""
    curves, metrics = (list(keys.values()) for keys in outcome_keys(trials))
    params = list(names.keys(record.space, set(), "param.").values())
    # The UI sorts metrics by name and puts them before the params, which must stay in sight.
    columns = [f"metrics.`{key}`" for key in ("value", *metrics[:1])]
    columns += [f"params.`{key}`" for key in params]
    state = {
        "searchFilter": children(run_id),
        "orderByKey": "metrics.`value`",
        "orderByAsc": not record.maximize,
        "selectedColumns": [*columns, "tags.`hpsearch.stage`", "tags.`hpsearch.status`"],
        "runsHiddenMode": "SHOW_ALL",
        "compareRunSections": [_section("search", "Hyperparameters"), _section("curves", "Learning curves")],
        "compareRunCharts": _charts(record, params, curves),
    }
    return json.dumps(state)


def _section(uuid: str, name: str) -> dict[str, Any]:
    return {"uuid": uuid, "name": name, "display": True, "isReordered": True, "deleted": False, "isGenerated": False}


def _charts(record: StudyRecord, params: Sequence[str], curves: Sequence[str]) -> list[dict[str, Any]]:
    keys = names.keys(record.space, set(), "param.")
    numeric = [keys[name] for name, domain in record.space.domains.items() if not isinstance(domain, Choice)]
    charts: list[dict[str, Any]] = [{"type": "PARALLEL", "selectedParams": list(params), "selectedMetrics": ["value"]}]
    charts += [
        {"type": "SCATTER", "xaxis": {"key": key, "type": "PARAM"}, "yaxis": {"key": "value", "type": "METRIC"}}
        for key in numeric[:8]
    ]
    charts += [{"type": "LINE", "metricKey": key, "selectedMetricKeys": [key]} for key in curves[:8]]
    return [_chart(index, chart) for index, chart in enumerate(charts)]


def _chart(index: int, chart: dict[str, Any]) -> dict[str, Any]:
    section = "curves" if chart["type"] == "LINE" else "search"
    common = {"uuid": f"chart-{index}", "metricSectionId": section, "runsCountToCompare": RUNS_SHOWN}
    return common | chart | {"deleted": False, "isGenerated": False}
