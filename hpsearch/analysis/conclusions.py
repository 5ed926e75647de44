"""Conclusions of a study as data: lead, selection bias, failures, ranges to widen, faults of the curves, interactions.

They are computed here once and worded in `hpsearch.analysis.sentences`; terminal, MLflow pages and report only render them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hpsearch.analysis.curves import MOST
from hpsearch.analysis.diagnosis import HEALTHY, Diagnosis, of_trial
from hpsearch.analysis.edges import Edge, edges
from hpsearch.analysis.expected_gain import ExpectedGain, expected_gain
from hpsearch.analysis.findings import Findings, spread
from hpsearch.analysis.interaction import interactions
from hpsearch.analysis.lead import Lead, lead
from hpsearch.analysis.model import Model, fit_model
from hpsearch.analysis.optimism import Doubling, Flattery, Noise, counting_noise, doubling, flattery, seed_noise
from hpsearch.ports import Baseline
from hpsearch.trial import Candidate, Status, Trial, candidates, flip_sign, rank_candidates

# Of the draws for the selection bias, so that a study says the same each time.
SEED = 4
NO_DIAGNOSIS = "not enough to tell"


@dataclass(frozen=True)
class Failure:
    """Trials without a value that ended in the same way, in number order."""

    kind: str
    reason: str
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Diagnoses:
    """How often each diagnosis was made, the most frequent first.

    ``sampled_from`` is the number of trials with curves where only a sample of them was read, else 0.
    """

    counts: Mapping[str, int]
    sampled_from: int = 0


@dataclass(frozen=True, eq=False)
class Conclusions:
    """What follows from the findings of a study; each part is computed when it is first used."""

    findings: Findings

    @property
    def chosen(self) -> Candidate | None:
        """The setting that the study's rule selects."""
        return self.findings.setting

    @cached_property
    def ranking(self) -> list[Candidate]:
        """Every setting that may be selected, by rising mean."""
        return rank_candidates(candidates(self.findings.trials))

    @cached_property
    def replicated(self) -> bool:
        """Whether some setting was run more than once."""
        return any(len(candidate.trials) > 1 for candidate in self.ranking)

    @cached_property
    def noise(self) -> Noise | None:
        """The noise of one value: from replicates, else from the validation rows it was counted on, else unknown."""
        pooled, rows = seed_noise(self.ranking), self.findings.rows
        if pooled is not None or not (self.ranking and rows):
            return pooled
        return Noise(float(counting_noise([min(max(self.ranking[0].mean, 0.0), 1.0)], rows)[0]), rows=rows)

    @cached_property
    def lead(self) -> Lead | None:
        """The lead of the chosen setting over the runner-up; None where there is no other setting."""
        return None if self.chosen is None else lead(self.chosen, self.ranking, self.noise)

    @cached_property
    def flattery(self) -> Flattery | None:
        """By how much the best value is expected to look too good; None where its noise is unknown."""
        return None if self.noise is None else flattery(self.ranking, self.noise, np.random.default_rng(SEED))

    @cached_property
    def unbeaten(self) -> Baseline | None:
        """The trivial answer where no trial is better; None where one is, and where that answer is not known."""
        found, trials = self.findings.baseline, [t for t in self.findings.finished if not t.is_preflight]
        if found is None or not trials:
            return None
        # Both are counts on the same rows; sums in another order may differ in the last digits.
        margin = 1e-9 * abs(found.value)
        best = min(trial.value for trial in trials)
        return found if best >= flip_sign(found.value, self.findings.maximize) - margin else None

    @cached_property
    def doubling(self) -> Doubling | None:
        """What as many trials again are expected to gain; None for fewer than eight finished trials."""
        values = [trial.value for trial in self.findings.finished]
        return doubling(values) if values else None

    @cached_property
    def model(self) -> Model | str:
        """The model of the trials' values, or why there is none."""
        return fit_model(self.findings)

    @cached_property
    def gain(self) -> ExpectedGain | None:
        """What the model expects the next trials to gain; None where there is no model."""
        return None if isinstance(self.model, str) else expected_gain(self.model, self.noise)

    @cached_property
    def failures(self) -> list[Failure]:
        """The failed trials of the search by kind and reason; where the checks before it ended the study, those of the checks.

        Trials that were stopped early are no failures: see `stopped`.
        """
        groups: dict[tuple[str, str], list[Trial]] = {}
        failed = [trial for trial in self.findings.unfinished if trial.status is not Status.STOPPED]
        if not self.findings.searching:
            failed = [trial for trial in self.findings.trials if trial.error]
        for trial in failed:
            groups.setdefault((_kind(trial), trial.error or "no reason is known"), []).append(trial)
        return [Failure(kind, reason, tuple(group)) for (kind, reason), group in groups.items()]

    @cached_property
    def stopped(self) -> list[Trial]:
        """The trials of the search that were stopped early because their curves lagged."""
        return [trial for trial in self.findings.searching if trial.status is Status.STOPPED]

    @cached_property
    def edges(self) -> list[Edge]:
        """The ranges to widen, because the best settings lie at an end of them."""
        first = [] if self.chosen is None else [self.chosen]
        return edges(self.findings.space, [candidate.params for candidate in [*first, *self.ranking]]) if first else []

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """What the curves of the best trial show; None where it has none that can be read."""
        return None if self.findings.chosen is None else of_trial(self.findings.chosen)

    @property
    def fault(self) -> Diagnosis | None:
        """The diagnosis of the best trial where it names a fault."""
        return self.diagnosis if self.diagnosis is not None and self.diagnosis.label not in (None, HEALTHY) else None

    @cached_property
    def diagnoses(self) -> Diagnoses:
        """How often each diagnosis was made over the search.

        The curves of a recorded study are fetched one by one, so that of more than 300 trials the 100 best and an even sample
        of 200 others are read.
        """
        available = [trial for trial in self.findings.searching if trial.outcome is not None and trial.outcome.history]
        read = spread(available, self.findings.ranks, MOST)
        found = [diagnosis for trial in read if (diagnosis := of_trial(trial)) is not None]
        counts = dict(Counter(diagnosis.label or NO_DIAGNOSIS for diagnosis in found).most_common())
        return Diagnoses(counts, len(available) if len(read) < len(available) else 0)

    @cached_property
    def interactions(self) -> dict[tuple[str, str], float] | str:
        """The share of the variance that each pair of parameters explains jointly, or why it is not known."""
        return interactions(self.findings)


def _kind(trial: Trial) -> str:
    return "without a finite value" if trial.status is Status.FINISHED else trial.status.value
