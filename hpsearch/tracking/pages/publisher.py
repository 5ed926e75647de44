"""Publisher of a study's page in MLflow: its name, note and view, the mark on its best trial, its data set."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hpsearch.errors import TrackingError
from hpsearch.ports import DataRecord, PartRecord
from hpsearch.tracking.pages import links, note
from hpsearch.tracking.pages.page import Page
from hpsearch.tracking.runs import location
from hpsearch.tracking.runs.study_run import CHOSEN
from hpsearch.tracking.runs.trial_keys import BEST
from hpsearch.tracking.runs.writer import write_points
from hpsearch.tracking.store.client import reraised_as_tracking_error
from hpsearch.trial import flip_sign

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Run

NOTE = "mlflow.note.content"


@dataclass
class Publisher:
    """Writes the pages of one study; writes only what has changed.

    Args:
        client: the store.
        marked: the runs that carry the mark of the best trial.
        own: whether the experiment was made for the study; None before it was asked.
    """

    client: MlflowClient
    marked: set[str] = field(default_factory=set)
    title: str = ""
    view: str = ""
    data_kept: bool = False
    own: bool | None = None

    @classmethod
    def of(cls, client: MlflowClient, trials: Iterable[Run]) -> Publisher:
        """Return the publisher of a study whose trials are these runs."""
        return cls(client, {str(run.info.run_id) for run in trials if BEST in run.data.tags})

    def publish(self, page: Page) -> None:
        """Write everything as of now."""
        self._keep_data(page)
        page = replace(page, shared=self._keep_view(page))
        title = note.title(page.study, page.trials)
        if title != self.title:
            self.client.update_run(page.run_id, name=title)
            self.title = title
        self._log_chosen(page)
        self.client.set_tag(page.run_id, NOTE, note.markdown(page))
        if self._is_own_experiment(page):
            self.client.set_experiment_tag(page.experiment_id, NOTE, note.for_experiment(page))
        self._mark(page)

    def _is_own_experiment(self, page: Page) -> bool:
        """Return whether the experiment was made for this study; the page of any other is not ours to write."""
        if self.own is None:
            entry = self.client.get_experiment(page.experiment_id)
            self.own = location.is_ours(entry) and location.name_of(entry) == page.record.name
        return self.own

    def _keep_view(self, page: Page) -> bool:
        """Store the view that the link opens. Its format is the UI's own, so a store that rejects it is no failure."""
        view = links.view(page.study, page.run_id, page.trials)
        if view != self.view:
            with suppress(TrackingError), reraised_as_tracking_error("The view could not be stored"):
                self.client.set_experiment_tag(page.experiment_id, links.TAG + links.view_key(page.run_id), view)
                self.view = view
        return self.view != ""

    def _mark(self, page: Page) -> None:
        """Mark the run of the best trial and no other; a run that is not stored yet is marked later."""
        chosen = page.chosen
        run = None if chosen is None else page.runs.get(chosen.trials[0].number)
        if run is None or self.marked == {run}:
            return
        for other in self.marked - {run}:
            self.client.delete_tag(other, BEST)
        self.marked &= {run}
        if not self.marked:
            self.client.set_tag(run, BEST, "true")
            self.marked = {run}

    def _log_chosen(self, page: Page) -> None:
        """Log the mean and the standard error of a chosen setting that was run more than once."""
        chosen = page.chosen
        if chosen is not None and len(chosen.trials) > 1:
            values = {CHOSEN: flip_sign(chosen.mean, page.record.maximize), f"{CHOSEN}_error": chosen.standard_error}
            write_points(self.client, page.run_id, values, len(page.trials), page.written, {})

    def _keep_data(self, page: Page) -> None:
        """Log the open parts of the data set, once. A store that cannot keep them does not stop the study."""
        data = page.record.data
        if data is None or self.data_kept:
            return
        with suppress(TrackingError), reraised_as_tracking_error("The data set could not be recorded"):
            self.client.log_inputs(page.run_id, [_input(data, part) for part in data.parts if not part.sealed])
        self.data_kept = True


def _input(data: DataRecord, part: PartRecord) -> DatasetInput:
    """Return a part of a data set as MLflow records it: name, checksum and shape, without any rows."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    targets = "int64" if data.classes else "float64"
    shapes = {"features_shape": [part.rows, data.features], "targets_shape": [part.rows], "classes": data.classes}
    tensors = {"features": _tensor(data.dtype, [-1, data.features]), "targets": _tensor(targets, [-1])}
    dataset = Dataset(
        name=f"{data.name} {part.name}"[:500],
        digest=part.checksum[:8],
        source_type="code",
        source=json.dumps({"tags": {"sha256": part.checksum}}),
        schema=json.dumps({"mlflow_tensorspec": tensors}),
        profile=json.dumps(shapes),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", part.name)])


def _tensor(dtype: str, shape: list[int]) -> str:
    return json.dumps([{"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}}])
