"""The tracker in memory: for tests, notebooks and experiments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hpsearch.errors import TrackingError
from hpsearch.ports import ExportedModel, Recorded, StudyRecord, TrackedStudy, TrackerBase
from hpsearch.trial import Trial


@dataclass
class _Entry:
    """One study: its record, its trials by number, its status, the openings of its test part, its networks, its files."""

    record: StudyRecord
    trials: dict[int, Trial] = field(default_factory=dict)
    status: str = "running"
    openings: int = 0
    scores: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    models: dict[int, ExportedModel] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    attached_at: int = 0


class MemoryTracker(TrackerBase):
    """Keeps studies in dictionaries; they end with the object.

    >>> tracker = MemoryTracker()
    >>> tracker.studies
    {}
    """

    lasting = False

    def __init__(self) -> None:
        self.studies: dict[str, _Entry] = {}
        self.superseded: list[_Entry] = []
        self._current: _Entry | None = None

    def find(self, study: TrackedStudy) -> Recorded | None:
        """Return what is kept under the study's name, or None."""
        kept = self.studies.get(study.record.name)
        if kept is None:
            return None
        return Recorded(
            trials=[kept.trials[number] for number in sorted(kept.trials)],
            identity=dict(kept.record.identity),
            facts=dict(kept.record.facts),
            interrupted=kept.status == "running",
            finished=kept.status == "finished",
            attached=tuple(kept.files) if kept.attached_at == len(kept.trials) else (),
            earlier=tuple(kept.record.earlier),
            identity_v1=dict(kept.record.identity_v1),
        )

    def start(self, study: TrackedStudy, fresh: bool = False) -> None:
        """Open the study, resuming what is kept unless ``fresh``."""
        record = study.record
        old = self.studies.get(record.name)
        if old is not None and fresh:
            self.superseded.append(old)
            old = None
        kept = _Entry(record) if old is None else replace(old, record=record, status="running")
        self._current = self.studies[record.name] = kept

    def record(self, trial: Trial) -> None:
        """Keep one ended trial, without its model state; one that finished before stays as it was."""
        if trial.outcome is not None and trial.outcome.state is not None:
            trial = replace(trial, outcome=replace(trial.outcome, state=None))
        kept = self._open().trials
        if trial.number not in kept or not kept[trial.number].ok:
            kept[trial.number] = trial

    def finish(self, status: str, trials: Sequence[Trial]) -> None:
        """Close the study with ``finished``, ``killed`` or ``failed``."""
        self._open().status = status

    def opening(self, record: StudyRecord, trial: Trial) -> int:
        """Count that the test part is opened, and return how often it was."""
        kept = self._entry(record)
        kept.openings += 1
        return kept.openings

    def tested(self, record: StudyRecord, trial: Trial, scores: Mapping[str, float]) -> None:
        """Keep the scores of a trial on the test part."""
        self._entry(record).scores.append((trial.number, dict(scores)))

    def keep_model(self, record: StudyRecord, trial: Trial, export: Callable[[], ExportedModel]) -> str:
        """Keep the network or estimator of a trial in ``studies[name].models``, by trial number."""
        models = self._entry(record).models
        if trial.number not in models:
            models[trial.number] = export()
        return f"memory:/{record.name}/{trial.number}"

    def attach(self, record: StudyRecord, files: Mapping[str, bytes]) -> None:
        """Keep files of the whole study."""
        kept = self._entry(record)
        kept.files |= files
        kept.attached_at = len(kept.trials)

    def _entry(self, record: StudyRecord) -> _Entry:
        if record.name not in self.studies:
            raise TrackingError(f"Study {record.name!r} is not recorded here. Run it first.")
        return self.studies[record.name]

    def _open(self) -> _Entry:
        if self._current is None:
            raise TrackingError("No study is open in this tracker. Call start() first.")
        return self._current
