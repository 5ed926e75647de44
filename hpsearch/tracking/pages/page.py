"""What the page of a study is written from: its record, its trials as they stand, and where they are in MLflow."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from hpsearch.ports import StudyRecord
from hpsearch.tracking.pages import links
from hpsearch.tracking.runs import markup
from hpsearch.tracking.runs.trial_keys import run_name
from hpsearch.trial import Candidate, Trial, candidates, flip_sign, format_value, rank_candidates


@dataclass(frozen=True)
class Page:
    """A study at one moment.

    ``status`` is ``running`` or how it ended, ``runs`` leads from trial numbers to MLflow runs, ``source`` is the study's file
    as one types it, ``pictures`` are artifacts of the study's own run (``run_id``) by path, ``shared`` says whether its view
    is stored, ``written`` is in seconds since 1970, ``about`` leads from the names of the studies that this one compares to
    their pages.
    """

    record: StudyRecord
    trials: Sequence[Trial]
    status: str
    experiment_id: str
    runs: Mapping[int, str] = field(default_factory=dict)
    run_id: str = ""
    source: str | None = None
    pictures: tuple[str, ...] = ()
    shared: bool = False
    written: float = field(default_factory=time.time)
    about: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def chosen(self) -> Candidate | None:
        """The setting that the study's rule selects among the trials so far."""
        return self.record.choose(self.trials)

    @cached_property
    def ranking(self) -> list[Candidate]:
        """Every setting that may be selected, by rising mean."""
        return rank_candidates(candidates(self.trials))

    @property
    def noisy(self) -> bool:
        """Whether settings are judged by several runs each."""
        return any(len(candidate.trials) > 1 for candidate in self.ranking)

    @property
    def searched(self) -> list[Trial]:
        """The trials of the search itself, without the checks before it."""
        return [trial for trial in self.trials if not trial.is_preflight]

    def value(self, minimised: float) -> str:
        """Return a value as the objective returned it, rounded."""
        return format_value(flip_sign(minimised, self.record.maximize))

    def link(self, trial: Trial) -> str:
        """Return a link to the run of a trial, or its name while it has none."""
        run = self.runs.get(trial.number)
        return markup.link(run_name(trial), links.run_link(self.experiment_id, run)) if run else run_name(trial)

    def overview(self, charts: bool = False) -> str:
        """Return the address of the table, or the charts, of the study's trials."""
        address = links.study_link(self.experiment_id, self.run_id, "", self.shared, self.record.maximize)
        return address.lstrip("/") + ("&compareRunsMode=CHART" if charts else "")
