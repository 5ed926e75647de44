"""Trials that a store could not take, as lines of JSON: floats by repr, files in base64, nothing pickled."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hpsearch.errors import TrackingError
from hpsearch.ports import StudyRecord
from hpsearch.space import Space
from hpsearch.tracking.runs.trial_run import parsed
from hpsearch.tracking.store.names import digest
from hpsearch.trial import Outcome, Status, Trial

# How many numbers of trials a sentence names.
_NAMED = 10
Belongs = Callable[[str, str], bool]


def write(path: Path, run_id: str, trials: Sequence[Trial], record: StudyRecord) -> None:
    """Write the file, or take it away where no trial is left; ``run_id`` is the study's run, which they belong to.

    Raises:
        TrackingError: if the folder cannot be written either.
    """
    try:
        if not trials:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".part")
        temporary.write_text("".join(_line(run_id, trial, record) + "\n" for trial in trials), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise TrackingError(
            f"Trials {listed(trials)} could be written neither to the store nor to {str(path)!r}: {error.strerror}."
            " Run the study again to repeat them."
        ) from error


def listed(trials: Sequence[Trial]) -> str:
    """Return the numbers of trials for a sentence, the first few of many."""
    numbers = ", ".join(str(trial.number) for trial in trials[:_NAMED])
    return numbers if len(trials) <= _NAMED else f"{numbers}, ... ({len(trials)} in all)"


def identity(record: StudyRecord) -> str:
    """Return a checksum of what makes a study the same one; its strategy may grow."""
    return digest(repr(sorted((name, text) for name, text in record.identity.items() if name != "strategy")))


def read(path: Path, run_id: str | None, space: Space, belongs: Belongs = lambda run, study: False) -> list[Trial]:
    """Return the trials of the file that belong to a study's run; none where there is no file.

    ``belongs`` says so for another run and the `identity` of its study.

    Raises:
        TrackingError: if the file is damaged.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise TrackingError(f"The trials in {str(path)!r} cannot be read: {error}. Move it away to do without them.") from error
    try:
        found = [json.loads(line) for line in lines]
        owners = [(fields.pop("run"), fields.pop("study", "")) for fields in found]
        ours = {owner for owner in set(owners) if owner[0] == run_id or belongs(*owner)}
        return [_trial(fields, space) for fields, owner in zip(found, owners, strict=True) if owner in ours]
    except (ValueError, KeyError, TypeError) as error:
        raise TrackingError(f"The file {str(path)!r} is damaged: {error}. Move it away to do without its trials.") from error


def split(path: Path) -> tuple[list[bytes], list[bytes]]:
    """Return the lines that hold a trial, and the damaged ones; the texts of params are not looked at, no space is needed.

    Raises:
        TrackingError: if the file cannot be read.
    """
    good: list[bytes] = []
    bad: list[bytes] = []
    try:
        found = path.read_bytes().splitlines()
    except OSError as error:
        raise TrackingError(f"The trials in {str(path)!r} cannot be read: {error.strerror}.") from error
    for line in found:
        (good if _holds(line) is not None else bad).append(line)
    return good, bad


def lines(path: Path) -> tuple[list[tuple[str, int]], list[bytes]]:
    """Return the study's run and the trial's number of each sound line, and the damaged lines."""
    good, bad = split(path)
    return [held for line in good if (held := _holds(line)) is not None], bad


def _holds(line: bytes) -> tuple[str, int] | None:
    try:
        fields = json.loads(line)
        run_id = str(fields.pop("run"))
        fields.pop("study", None)
        return run_id, int(_trial(fields, Space()).number)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _line(run_id: str, trial: Trial, record: StudyRecord) -> str:
    fields = {
        "run": run_id,
        "study": identity(record),
        "number": trial.number,
        "params": record.space.text(trial.params),
        "stage": trial.stage,
        "status": trial.status.value,
        "outcome": None if trial.outcome is None else _packed(trial.outcome),
        "budget": trial.budget,
        "continues": trial.continues,
        "replicate": trial.replicate,
        "error": trial.error,
        "traceback": trial.traceback,
        "started": repr(trial.started),
        "seconds": repr(trial.seconds),
    }
    return json.dumps(fields)


def _packed(outcome: Outcome) -> dict[str, Any]:
    return {
        "value": repr(float(outcome.value)),
        "metrics": {name: repr(float(value)) for name, value in outcome.metrics.items()},
        "history": {name: [[step, repr(float(v))] for step, v in curve] for name, curve in outcome.history.items()},
        "artifacts": {name: base64.b64encode(content).decode() for name, content in outcome.artifacts.items()},
    }


def _trial(fields: dict[str, Any], space: Space) -> Trial:
    outcome = fields.pop("outcome")
    return Trial(
        params=parsed(space, fields.pop("params")),
        status=Status(fields.pop("status")),
        outcome=None if outcome is None else _unpacked(outcome),
        started=float(fields.pop("started")),
        seconds=float(fields.pop("seconds")),
        **fields,
    )


def _unpacked(fields: dict[str, Any]) -> Outcome:
    return Outcome(
        value=float(fields["value"]),
        metrics={name: float(text) for name, text in fields["metrics"].items()},
        history={name: tuple((step, float(text)) for step, text in curve) for name, curve in fields["history"].items()},
        artifacts={name: base64.b64decode(text) for name, text in fields["artifacts"].items()},
    )
