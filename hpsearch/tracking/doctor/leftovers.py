"""Files without a study, and studies without their files. Nothing here is ever deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.errors import TrackingError
from hpsearch.tracking.delivery import spool_file
from hpsearch.tracking.doctor.finding import Finding
from hpsearch.tracking.runs.study_run import read_children
from hpsearch.tracking.store.names import list_numbers
from hpsearch.tracking.store.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Experiment, Run


def find_spooled(store: Store, parents: dict[str, Run]) -> Iterator[Finding]:
    """Yield findings on spool files; ``parents`` are the studies' runs by their id."""
    for study, path in store.find_spool_files():
        try:
            lock = store.lock(study)
        except TrackingError:
            continue
        try:
            yield from _examine_spool_file(store, path, parents)
        finally:
            lock.release()


def _examine_spool_file(store: Store, path: Path, parents: dict[str, Run]) -> Iterator[Finding]:
    if spool_file.size(path) == 0:
        yield Finding(f"{str(path)!r} is empty: a process was killed.", "it is removed.", path.unlink)
        return
    good, bad = spool_file.read_numbers(path)
    if bad:
        aside = path.with_suffix(".damaged")
        what = f"The file of unsent trials {str(path)!r} is damaged in {len(bad)} of {len(good) + len(bad)} lines."
        yield Finding(
            what, f"those lines are moved to {aside.name!r}, the others stay.", partial(_move_damaged_lines, path, aside)
        )
    runs: dict[str, set[int]] = {}
    for run_id, number in good:
        runs.setdefault(run_id, set()).add(number)
    waiting = {run_id: sorted(found - _recorded(store, parents.get(run_id))) for run_id, found in runs.items()}
    if not bad and not any(waiting.values()):
        yield Finding(f"{str(path)!r} holds only trials that the store has.", "it is removed.", path.unlink)
    for run_id, numbers in waiting.items():
        if not numbers:
            continue
        what = f"{str(path)!r} holds trials {list_numbers(numbers)}, which the store does not have,"
        if run_id in parents:
            file = parents[run_id].data.tags.get("hpsearch.source") or "FILE"
            yield Finding(f"{what} of a study recorded here.", f"The next start records them: hpsearch run {file}")
        else:
            advice = "Check whether they belong to another store, with --tracking-uri; move the file away if not."
            yield Finding(f"{what} of run {run_id}, which is not in this store.", advice)


def _recorded(store: Store, parent: Run | None) -> set[int]:
    """Return the numbers of the trials that the store has of a run."""
    return set() if parent is None else set(read_children(store, parent).complete)


def _move_damaged_lines(path: Path, aside: Path) -> None:
    """Move the lines that cannot be read to a file of their own, so that the others can be recorded."""
    good, bad = spool_file.split_lines(path)
    with aside.open("ab") as damaged:
        damaged.write(b"".join(line + b"\n" for line in bad))
    temporary = path.with_suffix(".part")
    temporary.write_bytes(b"".join(line + b"\n" for line in good))
    temporary.replace(path) if good else path.unlink()
    temporary.unlink(missing_ok=True)


def artifact_folders(store: Store) -> list[Path]:
    """Return the folders of artifacts. Call it before listing experiments: an experiment is created before its folder."""
    return sorted(path for path in store.artifacts.glob("*") if path.is_dir())


def find_unclaimed(found: Sequence[Path], experiments: Sequence[Experiment]) -> Iterator[Finding]:
    """Yield folders of artifacts that belong to no experiment, not even to a deleted one."""
    claimed = {_local_folder(entry) for entry in experiments}
    for folder in found:
        count = sum(path.is_file() for path in folder.rglob("*"))
        if count and folder.resolve() not in claimed:
            what = f"The folder {str(folder)!r} with {count} files belongs to no study of this store."
            yield Finding(what, "Remove it by hand, unless another store keeps its artifacts there.")


def find_missing(entry: Experiment, name: str) -> Iterator[Finding]:
    """Yield a finding where a study's folder of artifacts is gone."""
    folder = _local_folder(entry)
    if folder is not None and not folder.is_dir():
        advice = "Restore it from a backup. Without it the numbers stay, and the next start writes the study's own files again."
        yield Finding(f"The artifacts of study {name!r} are gone: there is no folder {str(folder)!r}.", advice)


def _local_folder(entry: Experiment) -> Path | None:
    location = str(entry.artifact_location).removeprefix("file://")
    return None if "://" in location or location.startswith("mlflow-artifacts:") else Path(location).resolve()
