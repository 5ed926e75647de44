"""The spool file: trials that wait for the store, as lines of JSON with floats by repr and files in base64."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpsearch.errors import TrackingError
from hpsearch.ports import StudyRecord, TrackedStudy
from hpsearch.space import Space
from hpsearch.tracking.runs import trial_times
from hpsearch.tracking.runs.trial_decoding import parse_params
from hpsearch.tracking.store.names import digest
from hpsearch.trial import Outcome, Status, Trial

Belongs = Callable[[str, str], bool]
# What every line begins with.
_BEGINNING = '{"run": "'


@dataclass(frozen=True)
class StudyKey:
    """Whose the trials of a file are: the study's run, a checksum of what the study is, and its space."""

    run_id: str
    study: str
    space: Space

    @classmethod
    def by(cls, run_id: str, study: TrackedStudy) -> StudyKey:
        """Return the key of a study."""
        return cls(run_id, identity(study.record), study.space)


def write(path: Path, key: StudyKey, trials: Sequence[Trial]) -> None:
    """Write the file anew and flush it, or delete it where no trial is left.

    Raises:
        OSError: if there is no room, or the folder cannot be written.
    """
    if not trials:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_suffix(".part")
    try:
        with temporary.open("wb") as file:
            file.writelines(line(key, trial) for trial in trials)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def append(path: Path, text: bytes) -> None:
    """Append a line; where only a part of it has room, the file stays as it was.

    Raises:
        OSError: if there is no room, or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("ab", buffering=0) as file:
        before = _end_of_lines(path)
        written = 0
        try:
            if before != file.tell():
                os.truncate(path, before)
            while written < len(text):
                written += file.write(text[written:]) or 0
        except OSError:
            with suppress(OSError):
                os.truncate(path, before)
            raise


def flush(path: Path) -> None:
    """Flush a file to the disk."""
    with path.open("ab") as file:
        os.fsync(file.fileno())


def size(path: Path) -> int:
    """Return the bytes of a file, 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _end_of_lines(path: Path) -> int:
    """Return where the last complete line ends; a process killed while it wrote may have left half a line."""
    end, block = size(path), 1
    with path.open("rb") as file:
        while end:
            start, block = max(end - block, 0), 65536
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
    return 0


def _complete_lines(text: str) -> list[str]:
    """Return the lines, without one that was being written when its process was killed: that trial is run again."""
    *lines, last = text.split("\n")
    return lines if not last or last.startswith(_BEGINNING) else [*lines, last]


def identity(record: StudyRecord) -> str:
    """Return a checksum of a study's identity without its strategy, which may propose more trials later."""
    return digest(repr(sorted((name, text) for name, text in record.identity.items() if name != "strategy")))


def read(path: Path, run_id: str | None, space: Space, belongs: Belongs = lambda run, study: False) -> list[Trial]:
    """Return the trials of the file that belong to a study's run; none where there is no file.

    ``belongs`` decides it for another run and the `identity` of its study.

    Raises:
        TrackingError: if the file is damaged.
    """
    try:
        lines = _complete_lines(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise TrackingError(
            f"The trials in {str(path)!r} cannot be read: {error}. Move it away to continue without them."
        ) from error
    try:
        found = [json.loads(line) for line in lines]
        keys = [(fields.pop("run"), fields.pop("study", "")) for fields in found]
        ours = {key for key in set(keys) if key[0] == run_id or belongs(*key)}
        return [_parse_trial(fields, space) for fields, key in zip(found, keys, strict=True) if key in ours]
    except (ValueError, KeyError, TypeError) as error:
        raise TrackingError(
            f"The file {str(path)!r} is damaged: {error}. Move it away to continue without its trials."
        ) from error


def split_lines(path: Path) -> tuple[list[bytes], list[bytes]]:
    """Return the lines that hold a trial, and the damaged ones; params are not parsed, so no space is needed.

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
        (good if _read_numbers(line) is not None else bad).append(line)
    return good, bad


def read_numbers(path: Path) -> tuple[list[tuple[str, int]], list[bytes]]:
    """Return the study's run and the trial's number of each readable line, and the damaged lines."""
    good, bad = split_lines(path)
    return [held for line in good if (held := _read_numbers(line)) is not None], bad


def _read_numbers(line: bytes) -> tuple[str, int] | None:
    try:
        fields = json.loads(line)
        run_id = str(fields.pop("run"))
        fields.pop("study", None)
        return run_id, int(_parse_trial(fields, Space()).number)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def line(key: StudyKey, trial: Trial) -> bytes:
    """Return a trial as one line of the file."""
    fields = {
        "run": key.run_id,
        "study": key.study,
        "number": trial.number,
        "params": key.space.text(trial.params),
        "stage": trial.stage,
        "status": trial.status.value,
        "outcome": None if trial.outcome is None else _pack_outcome(trial.outcome),
        "budget": trial.budget,
        "continues": trial.continues,
        "replicate": trial.replicate,
        "error": trial.error,
        "traceback": trial.traceback,
        "started": repr(trial.started),
        "seconds": repr(trial.seconds),
    }
    if trial.resumed_step is not None:
        fields |= {"resumed_step": trial.resumed_step, "attempt": trial.attempt}
    if trial.machine is not None:
        fields["machine"] = trial.machine
    return json.dumps(fields).encode() + b"\n"


def _pack_outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "value": repr(float(outcome.value)),
        "metrics": {name: repr(float(value)) for name, value in outcome.metrics.items()},
        "history": {name: [[step, repr(float(v))] for step, v in curve] for name, curve in outcome.history.items()},
        "artifacts": {name: base64.b64encode(content).decode() for name, content in outcome.artifacts.items()},
        **({"times": trial_times.pack(outcome.times)} if outcome.times else {}),
    }


def _parse_trial(fields: dict[str, Any], space: Space) -> Trial:
    outcome = fields.pop("outcome")
    return Trial(
        params=parse_params(space, fields.pop("params")),
        status=Status(fields.pop("status")),
        outcome=None if outcome is None else _unpack_outcome(outcome),
        started=float(fields.pop("started")),
        seconds=float(fields.pop("seconds")),
        **fields,
    )


def _unpack_outcome(fields: dict[str, Any]) -> Outcome:
    return Outcome(
        value=float(fields["value"]),
        metrics={name: float(text) for name, text in fields["metrics"].items()},
        history={name: tuple((step, float(text)) for step, text in curve) for name, curve in fields["history"].items()},
        artifacts={name: base64.b64decode(text) for name, text in fields["artifacts"].items()},
        times=trial_times.unpack(fields.get("times", "")),
    )
