"""The input of a study's page in MLflow: its record, its trials so far, and where they are recorded."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from hpsearch.analysis.conclusions import Conclusions
from hpsearch.analysis.findings import Findings
from hpsearch.analysis.sentences import Style
from hpsearch.ports import StudyRecord, TrackedStudy
from hpsearch.tracking.pages import links
from hpsearch.tracking.runs import markup
from hpsearch.tracking.runs.trial_keys import run_name
from hpsearch.trial import Candidate, Trial


@dataclass(frozen=True)
class Page:
    """A study at one moment.

    Args:
        study: as its tracker got it.
        trials: its trials so far, in number order.
        status: ``running``, or how the study ended.
        experiment_id: its experiment in MLflow.
        runs: the MLflow run of each trial, by the trial's number.
        run_id: the study's own run.
        source: the study's file, as one types it.
        pictures: artifacts of the study's own run, by path.
        shared: whether the view of the study is stored.
        written: when the page is written, in seconds since 1970.
        related: the pages of the studies that this one compares, by their names.
    """

    study: TrackedStudy
    trials: Sequence[Trial]
    status: str
    experiment_id: str
    runs: Mapping[int, str] = field(default_factory=dict)
    run_id: str = ""
    source: str | None = None
    pictures: tuple[str, ...] = ()
    shared: bool = False
    written: float = field(default_factory=time.time)
    related: Mapping[str, str] = field(default_factory=dict)

    @property
    def record(self) -> StudyRecord:
        """What identifies the study."""
        return self.study.record

    @cached_property
    def conclusions(self) -> Conclusions:
        """What follows from the trials so far."""
        return Conclusions(Findings.of(self.study, self.trials))

    @property
    def chosen(self) -> Candidate | None:
        """The setting that the study's rule selects among the trials so far."""
        return self.conclusions.chosen

    @property
    def style(self) -> Style:
        """How Markdown writes what a sentence names: texts escaped, trials as links."""
        return Style(partial(markup.plain, width=400), self.link, lambda name: f"**{markup.plain(name, 40)}**", markup.code)

    def link(self, trial: Trial) -> str:
        """Return a link to the run of a trial, or its name while it has none."""
        run = self.runs.get(trial.number)
        return markup.link(run_name(trial), links.run_link(self.experiment_id, run)) if run else run_name(trial)

    def overview(self, charts: bool = False) -> str:
        """Return the address of the table, or the charts, of the study's trials."""
        address = links.study_link(self.experiment_id, self.run_id, "", self.shared, self.record.maximize)
        return address.lstrip("/") + ("&compareRunsMode=CHART" if charts else "")
