"""Links into the MLflow UI that open the table of a study's trials, best first, and the views behind them.

MLflow opens an experiment on a page about traces, and its table shows neither params nor values. A shared view, an
experiment tag that the UI reads, selects both. Its format is the UI's own, so everything here also works without it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from hpsearch.ports import TrackedStudy
from hpsearch.space import Choice, Space
from hpsearch.tracking.runs.trial_keys import SECONDS, axes, outcome_keys
from hpsearch.tracking.store import names
from hpsearch.tracking.store.client import children
from hpsearch.trial import Trial

if TYPE_CHECKING:
    from mlflow.entities import Experiment
from contextlib import suppress

from hpsearch.errors import TrackingError
from hpsearch.ports import StudyRecord
from hpsearch.tracking.runs import location, study_run
from hpsearch.tracking.store.client import reraised_as_tracking_error
from hpsearch.tracking.store.store import Store

BASE = "http://127.0.0.1:5000"
TAG = "mlflow.sharedViewState."
RUNS_SHOWN = 100
# Scatter charts and curves at most, and metrics kept from having a chart: the tag holds 20,000 characters.
CHARTS, UNWANTED = 8, 30
# The two axes of the map where a study has both; else the first two numeric params.
MAP = ("learning_rate", "l2")
VALUE = {"key": "value", "type": "METRIC"}
# Key, name, charts side by side, height of a chart in pixels.
SECTIONS = (
    ("all", "All parameters at once", 1, 360),
    ("each", "The value over each parameter", 2, 360),
    ("curves", "Learning curves", 2, 360),
)


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


def run_link(experiment_id: str, run_id: str) -> str:
    """Return the address of one run, relative to the UI."""
    return f"#/experiments/{experiment_id}/runs/{run_id}?workflowType=machine_learning"


def file_link(experiment_id: str, run_id: str, path: str) -> str:
    """Return the address of MLflow's view of an artifact, relative to the UI."""
    return f"#/experiments/{experiment_id}/runs/{run_id}/artifacts/{path}?workflowType=machine_learning"


def view(study: TrackedStudy, run_id: str, trials: Sequence[Trial]) -> str:
    """Return the view of a study in the UI's format: columns for what its trials have, and charts."""
    curves, metrics = (list(keys.values()) for keys in outcome_keys(trials))
    state = {
        "searchFilter": _without_checks(run_id, trials),
        "orderByKey": "metrics.`value`",
        "orderByAsc": not study.record.maximize,
        "selectedColumns": _columns(study.space, trials),
        "runsHiddenMode": "SHOW_ALL",
        # Else the UI sorts the sections by name.
        "isAccordionReordered": True,
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
        "compareRunSections": [_section(*section) for section in SECTIONS],
        "compareRunCharts": [*_charts(study.space, curves), *_unwanted(["value", SECONDS, *curves[CHARTS:], *metrics])],
    }
    return json.dumps(state)


def _without_checks(run_id: str, trials: Sequence[Trial]) -> str:
    """Return the filter for the trials of the search, without the checks before it: their values are of another kind."""
    stages = sorted({trial.stage for trial in trials if trial.is_preflight and "'" not in trial.stage})
    return " and ".join([children(run_id), *(f"tags.`hpsearch.stage` != '{stage}'" for stage in stages)])


def _columns(space: Space, trials: Sequence[Trial]) -> list[str]:
    """Return the columns that distinguish trials: the value, the params, and the tags that differ.

    The UI puts metrics before params and those before tags.
    """
    params = names.keys(space, set(), "param.").values()
    searched = [trial for trial in trials if not trial.is_preflight]
    differ = {
        "best": any(trial.replicate for trial in searched),
        "stage": len({trial.stage for trial in searched}) > 1,
        "replicate": len({trial.replicate for trial in searched}) > 1,
        "status": any(not trial.ok for trial in searched),
    }
    tags = [f"tags.`hpsearch.{name}`" for name, differs in differ.items() if differs]
    return ["metrics.`value`", *(f"params.`{key}`" for key in params), *tags]


def _section(uuid: str, name: str, columns: int, height: int) -> dict[str, Any]:
    shape = {"columns": columns, "cardHeight": height}
    return {"uuid": uuid, "name": name, "display": True, "isReordered": True, "deleted": False, "isGenerated": False} | shape


def _charts(space: Space, curves: Sequence[str]) -> list[dict[str, Any]]:
    """Return all params against each other, the value over each numeric one and over the first two, and the curves."""
    keys = names.keys(space, set(), "param.") | axes(space)
    domains = space.domains
    numeric = [keys[name] for name, domain in domains.items() if not isinstance(domain, Choice)]
    # The UI leaves trials out of this chart that lack one of its params.
    always = [keys[name] for name, domain in domains.items() if not domain.conditions]
    charts: list[dict[str, Any]] = [{"type": "PARALLEL", "selectedParams": always, "selectedMetrics": ["value"]}]
    if len(numeric) > 1:
        x, y = (keys[name] for name in MAP) if {*MAP} <= {*domains} else numeric[:2]
        charts.append({"type": "CONTOUR", "xaxis": _param(x), "yaxis": _param(y), "zaxis": VALUE})
    charts += [{"type": "SCATTER", "xaxis": _param(key), "yaxis": VALUE} for key in numeric[:CHARTS]]
    charts += [{"type": "LINE", "metricKey": key, "selectedMetricKeys": [key]} for key in curves[:CHARTS]]
    return [_chart(index, chart) for index, chart in enumerate(charts)]


def _unwanted(metrics: Sequence[str]) -> list[dict[str, Any]]:
    """Return charts marked as removed: the UI draws a bar per trial for every metric that has no chart."""
    common = {"type": "BAR", "metricSectionId": "curves", "deleted": True, "isGenerated": True}
    return [{"uuid": f"bar-{index}", "metricKey": key} | common for index, key in enumerate(metrics[:UNWANTED])]


def _param(key: str) -> dict[str, str]:
    return {"key": key, "type": "PARAM"}


def _chart(index: int, chart: dict[str, Any]) -> dict[str, Any]:
    section = {"PARALLEL": "all", "LINE": "curves"}.get(chart["type"], "each")
    common = {"uuid": f"chart-{index}", "metricSectionId": section, "runsCountToCompare": RUNS_SHOWN}
    return common | chart | {"deleted": False, "isGenerated": False}


def find_addresses(store: Store, study: TrackedStudy) -> dict[str, str]:
    """Return the address of each related study, relative to the UI; empty where that very study is not recorded."""
    return {name: _address(store, other) for name, other in study.related.items()}


def _address(store: Store, record: StudyRecord) -> str:
    with suppress(TrackingError), reraised_as_tracking_error(f"Study {record.name!r} could not be looked up"):
        found = location.find(store, record.name)
        if found is not None and study_run.read_identity(found[1]) == dict(record.identity):
            return link(found[0], str(found[1].info.run_id), record.maximize, "").lstrip("/")
    return ""
