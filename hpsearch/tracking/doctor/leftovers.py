"""Files beside a store that no study claims, and files that a study misses. Nothing here is ever deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.errors import TrackingError
from hpsearch.tracking.delivery import spool_file
from hpsearch.tracking.doctor.finding import Finding, listed
from hpsearch.tracking.store.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Experiment, Run

UNSENT = ".unsent.jsonl"


def waiting(store: Store, parents: dict[str, Run]) -> Iterator[Finding]:
    """Yield the files of trials that the store could not take; ``parents`` are the studies' runs by their id."""
    for path in sorted(store.folder.glob(f"*{UNSENT}")):
        try:
            lock = store.lock(path.name.removesuffix(UNSENT))  # a folder name is its own folder name
        except TrackingError:
            continue
        try:
            yield from _waiting(path, parents)
        finally:
            lock.release()


def _waiting(path: Path, parents: dict[str, Run]) -> Iterator[Finding]:
    good, bad = spool_file.lines(path)
    if bad:
        aside = path.with_suffix(".damaged")
        what = f"The file of unsent trials {str(path)!r} is damaged in {len(bad)} of {len(good) + len(bad)} lines."
        yield Finding(what, f"those lines are moved to {aside.name!r}, the others stay.", partial(_part, path, aside))
    runs: dict[str, list[int]] = {}
    for run_id, number in good:
        runs.setdefault(run_id, []).append(number)
    for run_id, numbers in runs.items():
        what = f"{str(path)!r} holds trials {listed(numbers)}, which the store could not take,"
        if run_id in parents:
            file = parents[run_id].data.tags.get("hpsearch.source") or "FILE"
            yield Finding(f"{what} of a study recorded here.", f"The next start takes them up: hpsearch run {file}")
        else:
            advice = "See whether they belong to another store, with --tracking-uri; move the file away if not."
            yield Finding(f"{what} of run {run_id}, which is not in this store.", advice)


def _part(path: Path, aside: Path) -> None:
    """Move the lines that cannot be read to a file of their own, so that the others can be taken up."""
    good, bad = spool_file.split(path)
    with aside.open("ab") as damaged:
        damaged.write(b"".join(line + b"\n" for line in bad))
    temporary = path.with_suffix(".part")
    temporary.write_bytes(b"".join(line + b"\n" for line in good))
    temporary.replace(path) if good else path.unlink()
    temporary.unlink(missing_ok=True)


def folders(store: Store) -> list[Path]:
    """Return the folders of artifacts; list them before the experiments, which come before their folders."""
    return sorted(path for path in store.artifacts.glob("*") if path.is_dir())


def unclaimed(found: Sequence[Path], experiments: Sequence[Experiment]) -> Iterator[Finding]:
    """Yield folders of artifacts that belong to no experiment, not even to a deleted one."""
    claimed = {_local(entry) for entry in experiments}
    for folder in found:
        count = sum(path.is_file() for path in folder.rglob("*"))
        if count and folder.resolve() not in claimed:
            what = f"The folder {str(folder)!r} with {count} files belongs to no study of this store."
            yield Finding(what, "Remove it by hand, unless another store keeps its artifacts there.")


def missing(entry: Experiment, name: str) -> Iterator[Finding]:
    """Yield a finding where a study's folder of artifacts is gone."""
    folder = _local(entry)
    if folder is not None and not folder.is_dir():
        advice = "Restore it from a copy; without it the numbers stay, and the next start writes the study's own files anew."
        yield Finding(f"The artifacts of study {name!r} are gone: there is no folder {str(folder)!r}.", advice)


def _local(entry: Experiment) -> Path | None:
    location = str(entry.artifact_location).removeprefix("file://")
    return None if "://" in location or location.startswith("mlflow-artifacts:") else Path(location).resolve()
