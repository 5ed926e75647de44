"""The tags of a trial's run, read and checked; an error names the run and the tag that somebody deleted or changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from hpsearch.errors import TrackingError
from hpsearch.tracking.runs import trial_run, trial_times
from hpsearch.tracking.runs.trial_keys import DERIVED, STARTED
from hpsearch.tracking.store import names
from hpsearch.trial import Status, Times

if TYPE_CHECKING:
    from mlflow.entities import Run

Value = TypeVar("Value")
_OUTCOME = ("hpsearch.minimised", "hpsearch.history", "hpsearch.metrics")
_NAME = re.compile(r"trial 0*(\d+)")


class DamagedRun(TrackingError):
    """A run of ours that lacks something, or holds what cannot be read; ``what`` says it as a clause."""

    def __init__(self, run: Run, what: str, advice: str = "") -> None:
        super().__init__(f"{what[:1].upper()}{what[1:]}.{advice and f' {advice}'}")
        self.run_id, self.what = str(run.info.run_id), what


@dataclass(frozen=True)
class Damage:
    """A trial that cannot be read: its run, its number where that is known, and what is wrong.

    >>> print(Damage("digits", "7e36", 3, "tag 'hpsearch.status' of run 7e36 is missing"))
    Trial 3 of 'digits' cannot be read: tag 'hpsearch.status' of run 7e36 is missing. The next start runs it again.
    """

    study: str
    run_id: str
    number: int | None
    what: str

    @classmethod
    def of(cls, run: Run, error: DamagedRun) -> Damage:
        """Return the damage of a trial's run; its number is in the run's name too."""
        return cls("", error.run_id, _number_of(run), error.what)

    def __str__(self) -> str:
        which = "A trial" if self.number is None else f"Trial {self.number}"
        of = f" of {self.study!r}" if self.study else ""
        return f"{which}{of} cannot be read: {self.what}. The next start runs it again."


@dataclass(frozen=True)
class TrialTags:
    """What the tags of a trial's run say; ``minimised`` is None where the trial has no outcome."""

    number: int
    status: Status
    stage: str
    replicate: int
    budget: int | None
    continues: int | None
    resumed_step: int | None
    attempt: int
    machine: str | None
    error: str | None
    minimised: float | None
    history: Sequence[str]
    metrics: Sequence[str]
    files: Sequence[str]
    long_params: Mapping[str, str]
    derived: Sequence[str]
    exact: trial_run.Exact
    started: int | None
    times: Times


def read_tags(run: Run) -> TrialTags:
    """Return what the tags of a trial's run say.

    Raises:
        DamagedRun: a tag is missing or cannot be read.
    """
    status = read_tag(run, "hpsearch.status", Status)
    has_outcome = status is Status.FINISHED or any(name in run.data.tags for name in _OUTCOME)
    return TrialTags(
        number=read_tag(run, "hpsearch.number", _count),
        status=status,
        stage=read_tag(run, "hpsearch.stage", str),
        replicate=read_tag(run, "hpsearch.replicate", _count, 0),
        budget=read_tag(run, "hpsearch.budget", int, None),
        continues=read_tag(run, "hpsearch.continues", _count, None),
        resumed_step=read_tag(run, "hpsearch.resumed_step", _count, None),
        attempt=read_tag(run, "hpsearch.attempt", _count, 1),
        machine=read_tag(run, "hpsearch.machine", str, None),
        error=read_tag(run, "hpsearch.error", str, None),
        minimised=read_tag(run, "hpsearch.minimised", float) if has_outcome else None,
        history=read_tag(run, "hpsearch.history", _names) if has_outcome else (),
        metrics=read_tag(run, "hpsearch.metrics", _names) if has_outcome else (),
        files=read_tag(run, "hpsearch.files", _names, ()),
        long_params=read_tag(run, "hpsearch.long_params", read_mapping, {}),
        derived=read_tag(run, DERIVED, _names, ()),
        exact=_read_exact(run),
        started=read_tag(run, STARTED, _count, None),
        times=read_tag(run, trial_times.TAG, trial_times.unpack, {}),
    )


_REQUIRED: Any = object()


def read_tag(run: Run, tag: str, parse: Callable[[str], Value], default: Any = _REQUIRED) -> Value:
    """Return the value of a tag that may be stored in parts; without a ``default`` the tag is required.

    Raises:
        DamagedRun: it is missing, or cannot be parsed.
    """
    try:
        text = names.unpack_text(run.data.tags, tag)
        if text is not None:
            return parse(text)
    except (ValueError, KeyError, TypeError) as error:
        shown = run.data.tags.get(tag, "")
        got = f"{shown[:60]!r}{'...' if len(shown) > 60 else ''}"
        raise DamagedRun(run, f"tag {tag!r} of run {run.info.run_id} is damaged, it holds {got}") from error
    if default is _REQUIRED:
        raise DamagedRun(run, f"tag {tag!r} of run {run.info.run_id} is missing")
    found: Value = default
    return found


def read_mapping(text: str) -> dict[str, str]:
    """Return the texts by name that a tag holds as JSON."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError
    return {str(name): str(value) for name, value in found.items()}


def _read_exact(run: Run) -> trial_run.Exact:
    read_tag(run, trial_run.TAG, json.loads, [])
    try:
        return trial_run.decode_floats(run.data.tags)
    except (ValueError, TypeError) as error:
        raise DamagedRun(run, f"tag {trial_run.TAG!r} of run {run.info.run_id} is damaged") from error


@lru_cache(maxsize=1000)  # the trials of a study have the same names
def _names(text: str) -> tuple[str, ...]:
    found = json.loads(text)
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise TypeError
    return tuple(found)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError
    return int(text)


def _number_of(run: Run) -> int | None:
    """Return the number of a trial by its tag, else by the run's name."""
    text = run.data.tags.get("hpsearch.number", "")
    found = text if text.isascii() and text.isdigit() else ""
    named = _NAME.fullmatch(run.info.run_name or "")
    found = found or (named[1] if named else "")
    return int(found) if found else None
