"""Replay of a recorded study: whether it is the same one, and which of the proposed trials are recorded already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from hpsearch.errors import StudyError, must_be
from hpsearch.ports import EarlierIdentity, Recorded, StudyRecord
from hpsearch.search.environment import list_differences
from hpsearch.search.identity import changed_parts, incomparable_parts
from hpsearch.space.equality import params_key
from hpsearch.trial import Status, Trial

# A changed strategy is allowed by itself: a larger one may propose the recorded trials first, and so extend the study.
_FIXED = ("space", "objective", "options", "seed", "direction", "data", "first", "known", "replicates", "early_stop")
_ANEW = "Give it another name, or start anew with --fresh (fresh=True)."


class Replay:
    """The recorded trials of a study, returned as its strategy proposes them again; with ``retry`` only those that finished.

    Args:
        record: of the study as it is now.
        recorded: what the store holds.
        retry: whether trials that did not finish are run again.
        read_only: accept a record of other versions of the study's classes, since nothing is added to it.
        identity_v1: gives the identity by the rule of version 1, for records of that time.
        accept_change: go on with a changed objective.
    Raises:
        StudyError: the record is of another study, or the strategy now proposes something else than is recorded.
    """

    def __init__(
        self,
        record: StudyRecord,
        recorded: Recorded,
        retry: bool = False,
        read_only: bool = False,
        identity_v1: Callable[[], Mapping[str, str]] = dict,
        accept_change: bool = False,
    ) -> None:
        self.record = record = _compared(record, recorded, identity_v1, accept_change)
        self.recorded = recorded
        # What an earlier objective ran stays as it is: run again, it would be another trial.
        kept = record.earlier_trials
        # So does one that the rule on curves ended: the rule would end it again.
        fixed = {t.number for t in recorded.trials if t.ok or t.status is Status.STOPPED} | kept
        self._left = {t.number: t for t in recorded.trials if not retry or t.number in fixed}
        self.count = len(self._left)
        self.numbers = frozenset(self._left)
        self.again = frozenset(trial.number for trial in recorded.trials) - self.numbers
        # The first number that nothing is known of: where a clock cut the study, or where it ended.
        self.end = max((*self.numbers, *self.again, *recorded.lost), default=-1) + 1
        if recorded.identity and not read_only:
            _check_versions(record, recorded)

    @property
    def found(self) -> str:
        """What was found under the study's name, in one sentence; empty where nothing was."""
        if not self.count and not self.recorded.interrupted:
            return ""
        state = "an interrupted run" if self.recorded.interrupted else "an earlier run"
        half = f", {self.recorded.dropped} half-written" if self.recorded.dropped else ""
        again = f", {len(self.again)} that failed and run again" if self.again else ""
        again += f", {len(self.recorded.lost)} that cannot be read and run again" if self.recorded.lost else ""
        found = f"Found {state} of {self.record.name} with {self.count} finished trials{half}{again}; resuming from there."
        return f"{found}{self._other_engine}{self._other_python}"

    @property
    def _other_engine(self) -> str:
        """A sentence where the trials to come are worked out by something else than the recorded ones were."""
        was, now = (facts.get("engine") for facts in (self.recorded.facts, self.record.facts))
        if not was or not now or was == now:
            return ""
        return (
            f" The engine was {was}, is now {now}: from here on trials may differ by rounding from what they would have been."
        )

    @property
    def _other_python(self) -> str:
        """A sentence where code without a source was recorded by another version of Python, and cannot be compared."""
        parts = incomparable_parts(self.recorded.identity, self.record.identity)
        if not parts:
            return ""
        was, now = (facts.get("python") for facts in (self.recorded.facts, self.record.facts))
        what = " and ".join(parts)
        return f" Whether the {what} changed is not known: without a source, code of Python {was} and {now} cannot be compared."

    def find(self, asked: Trial) -> Trial | None:
        """Return the recorded trial of this number, or None; raise an error for one that was asked something else."""
        trial = self._left.pop(asked.number, None)
        if trial is not None and _request_key(trial) != _request_key(asked):
            raise StudyError(self._why(trial, asked))
        return trial

    def check_all_used(self, proposed: int, record: StudyRecord) -> None:
        """Raise an error for a strategy that proposes fewer trials than are recorded."""
        if self._left:
            strategy = record.identity["strategy"]
            raise StudyError(
                f"Study {record.name!r} has {self.count} recorded trials, and {strategy} proposes only {proposed}. "
                f"Ask for at least {self.count}; or: {_ANEW}"
            )

    def _why(self, trial: Trial, asked: Trial) -> str:
        """Name the likely cause of a replay that differs: the strategy, else the library versions."""
        now = self.record
        causes = list_differences(self.recorded.identity, now.identity, ("strategy",))
        causes = causes or list_differences(_in_order(self.recorded.facts), _in_order(now.facts), _versions(now))
        cause = "; ".join(causes) or "nothing recorded explains it; the strategy may not be deterministic"
        return (
            f"Study {now.name!r} does not replay: trial {trial.number} was {_request_of(trial)}, is now {_request_of(asked)}. "
            f"{cause[0].upper()}{cause[1:]}. Go back to what it was; or: {_ANEW}"
        )


def _compared(
    record: StudyRecord, recorded: Recorded, identity_v1: Callable[[], Mapping[str, str]], accept_change: bool
) -> StudyRecord:
    """Return the record with what the study was before; raise an error where it is another study now."""
    record = replace(record, earlier=tuple(recorded.earlier), identity_v1=recorded.identity_v1)
    was, now = recorded.identity, record.identity
    changed = changed_parts(was, now, _FIXED) if was else []
    v1 = identity_v1() if changed and not recorded.identity_v1 else {}
    if v1 and not changed_parts(was, v1, [name for name in _FIXED if name != "options"]):
        record, changed = replace(record, identity_v1=v1), []
    if accept_change and not changed:
        constraint = "given for a study whose objective has changed"
        raise StudyError(must_be("--accept-change", constraint, "one that has not", "Leave it out."))
    if accept_change and changed == ["objective"]:
        numbers = [trial.number for trial in recorded.trials if trial.number not in record.earlier_trials]
        return replace(record, earlier=(*record.earlier, EarlierIdentity(was, numbers)), identity_v1={})
    if changed:
        advice = _advise_on_rows(record, recorded)
        raise StudyError(_other_study(record, list_differences(was, now, tuple(changed)), changed, accept_change) + advice)
    return record


def _other_study(record: StudyRecord, differences: Sequence[str], changed: Sequence[str], accept_change: bool) -> str:
    advice = _ANEW
    if accept_change:
        advice = f"--accept-change accepts a changed objective alone. {_ANEW}"
    elif changed == ["objective"]:
        advice = f"{_ANEW} Or go on with the changed objective: --accept-change (accept_change=True)."
    return f"Study {record.name!r} is recorded with other settings: {'; '.join(differences)}. {advice}"


def _check_versions(record: StudyRecord, recorded: Recorded) -> None:
    """Raise an error where the same settings gave other trials when the study was recorded."""
    was, now = (identity.get("versions", "") for identity in (recorded.identity, record.identity))
    if was != now:
        names = sorted({part.rpartition(" ")[0] for part in f"{was}, {now}".split(", ") if part})
        what = f"{' and '.join(names)} of another version ({was or 'version 1'} then, {now or 'version 1'} now)"
        raise StudyError(
            f"Study {record.name!r} is recorded with {what}: the same settings now give other trials. "
            f"It can still be shown, reported, plotted and tested. To run it: {_ANEW[0].lower()}{_ANEW[1:]}"
        )


def _advise_on_rows(record: StudyRecord, recorded: Recorded) -> str:
    """Return the way to resume a record of before data sets kept float64, where the data differ; else an empty text."""
    if record.data is None or record.data.dtype != "float64" or record.identity.get("data") == recorded.identity.get("data"):
        return ""
    return " If it was recorded before data sets kept float64: hand in X.astype('float32'), which is what was recorded then."


def _request_of(trial: Trial) -> tuple[object, ...]:
    return (trial.params, trial.stage, trial.budget, trial.continues, trial.replicate)


def _request_key(trial: Trial) -> tuple[object, ...]:
    """Return what decides whether two requests are the same: NaN equals NaN, and 1 is neither 1.0 nor True."""
    return (params_key(trial.params), *_request_of(trial)[1:])


def _in_order(facts: Mapping[str, str]) -> dict[str, str]:
    """Return facts with the BLAS libraries sorted: earlier records list them in the order in which they were loaded."""
    return {**facts, "blas": ", ".join(sorted(facts.get("blas", "").split(", ")))}


def _versions(record: StudyRecord) -> tuple[str, ...]:
    return tuple(name for name in record.facts if name not in ("git_commit", "git_dirty", "cores", "baseline"))
