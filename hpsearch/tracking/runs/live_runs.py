"""MLflow runs of trials that have not ended: people see them, and their curves, while they run."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hpsearch.ports import RunningTrial, TrackedStudy
from hpsearch.tracking.lease import Lease, LeaseLost
from hpsearch.tracking.lease.claim import WRITTEN_UNDER
from hpsearch.tracking.runs import trial_run
from hpsearch.tracking.runs.trial_keys import metric_keys, run_name

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


@dataclass
class LiveRuns:
    """The runs of the trials of one study that have not ended.

    The record of a trial completes its run. It writes all points again, at the time of the trial's end: only these
    are read as the trial's own, see `hpsearch.tracking.runs.own_metrics`.

    Args:
        parent: the study's run.
        study: whose trials they are.
        lease: they are written under; None where a file is locked instead.
        runs: by trial number.
    """

    parent: Run
    study: TrackedStudy
    lease: Lease | None
    runs: dict[int, str] = field(default_factory=dict)

    def show(self, client: MlflowClient, running: RunningTrial) -> None:
        """Write what a running trial has reported since the last call; its run begins with the first.

        Raises:
            LeaseLost: another process has taken the study over.
        """
        from mlflow.entities import Metric

        if self.lease is not None:
            self.lease.hold()
        number = running.trial.number
        if number not in self.runs:
            self.runs[number] = self._begin(client, running)
        now = round(time.time() * 1000)
        keys, _ = metric_keys(dict.fromkeys(name for _, metrics in running.points for name in metrics), ())
        points = [Metric(keys[name], float(v), now, step) for step, metrics in running.points for name, v in metrics.items()]
        if points:
            client.log_batch(self.runs[number], points)

    def _begin(self, client: MlflowClient, running: RunningTrial) -> str:
        from mlflow.entities import Param

        trial = running.trial
        owner = 0 if self.lease is None else self.lease.number
        tags = trial_run.tags_of_running(trial, self.study.record)
        tags |= {"mlflow.parentRunId": self.parent.info.run_id} | ({WRITTEN_UNDER: str(owner)} if owner else {})
        run = client.create_run(self.parent.info.experiment_id, round(trial.started * 1000), tags, run_name(trial))
        self._check_begun(client, str(run.info.run_id))
        params = trial_run.params_of(trial, self.study.space)
        client.log_batch(run.info.run_id, params=[Param(name, text) for name, text in params.items()])
        return str(run.info.run_id)

    def _check_begun(self, client: MlflowClient, run_id: str) -> None:
        """Delete a run again that began after another process took the study over: this one may have stood still meanwhile."""
        if self.lease is None:
            return
        try:
            self.lease.hold()
        except LeaseLost:
            client.delete_run(run_id)
            raise
