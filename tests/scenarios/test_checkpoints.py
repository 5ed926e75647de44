"""Studies whose trials save checkpoints: interrupted, killed, timed out, promoted, started anew."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from hpsearch import Batch, Float, Outcome, Proposal, Space, Study, data
from hpsearch.cli.commands import say_rerun
from hpsearch.errors import HpsearchError
from hpsearch.execution.isolation import run_isolated
from hpsearch.objectives import TrainNetwork, reporting
from hpsearch.ports import Context, Limits, ObjectiveBase
from hpsearch.report.report import _marked
from hpsearch.search.rerun import rerun
from hpsearch.strategies import Halving, Random
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker, MlflowTracker
from hpsearch.tracking.runs.trial_run import description
from hpsearch.trial import Params, Status
from tests.command import run_command

EPOCHS, EVERY = 10, 2


@dataclass(frozen=True)
class Counting(ObjectiveBase):
    """Trains ten epochs with a checkpoint after every second one, and may be interrupted in its n-th epoch."""

    trained: ClassVar[list[int]] = []
    stop_at: ClassVar[int | None] = None
    error: ClassVar[type[BaseException]] = KeyboardInterrupt

    def __call__(self, params: Params, context: Context) -> Outcome:
        weight = 0.0 if context.folder is None else float((context.folder / "weight").read_text())
        for epoch in range(context.step + 1, (context.budget or EPOCHS) + 1):
            if len(self.trained) == Counting.stop_at:
                raise Counting.error("on purpose")
            self.trained.append(epoch)
            weight += params["x"]
            context.report(epoch, weight=weight)
            if epoch % EVERY == 0:
                with context.checkpoint(epoch) as folder:
                    (folder / "weight").write_text(repr(weight))
        return Outcome(abs(weight - 3.0))


STUDY = Study("saved", Space(x=Float(0.0, 1.0)), Counting(), Random(trials=3), seed=2)


@pytest.fixture
def epochs() -> Any:
    Counting.trained.clear()
    yield Counting.trained
    Counting.stop_at, Counting.error = None, KeyboardInterrupt


@pytest.fixture
def project(put_store: Callable[[Path], Path], tmp_path: Path) -> Path:
    return put_store(tmp_path)


def run(folder: Path, study: Study = STUDY, backend: Any = "sequential", **settings: Any) -> Any:
    return study.run(1, backend=backend, tracker=MlflowTracker(root=folder), report=False, **settings)


def interrupt(folder: Path, at: int, study: Study = STUDY, error: type[BaseException] = KeyboardInterrupt) -> None:
    Counting.stop_at, Counting.error = at, error
    with pytest.raises(error):
        run(folder, study)
    Counting.stop_at = None


def saved(folder: Path, name: str = "saved") -> list[str]:
    return sorted(path.name.split("-")[1] for path in (folder / "mlruns" / "states" / name).glob("*"))


def test_an_interrupted_trial_goes_on_and_the_record_says_so(epochs: list[int], project: Path) -> None:
    alone = STUDY.run(1, backend="sequential", tracker=MemoryTracker())
    assert alone.trials == run(project).trials  # without an interrupt nothing is marked
    epochs.clear()
    run_command(project, "delete", "saved", "--yes")
    interrupt(project, at=15)  # in the sixth epoch of the second trial
    assert saved(project) == ["1"]
    again = run(project)
    assert epochs == [*range(1, 11), *range(1, 6), *range(5, 11), *range(1, 11)]
    assert [(trial.resumed_step, trial.attempt) for trial in again.trials] == [(None, 1), (4, 2), (None, 1)]
    assert table(again.trials) == table(alone.trials)
    assert saved(project) == []
    read = STUDY.result(MlflowTracker(root=project))
    assert "stage all, went on from step 4 in attempt 2" in description(read.trials[1], read.record)
    assert _marked(read) == "<p>Trial 1 went on from step 4 in attempt 2.</p>"
    assert [(trial.resumed_step, trial.attempt) for trial in read.trials] == [(None, 1), (4, 2), (None, 1)]
    assert "trial 1 went on from step 4 in attempt 2" in run_command(project, "show", "saved").stdout


def test_rerun_reads_no_checkpoint(epochs: list[int], project: Path) -> None:
    interrupt(project, at=15)
    trials = run(project).trials
    epochs.clear()
    assert rerun(STUDY, trials[1], trials).differences == ()
    assert epochs == list(range(1, 11))


def test_a_marked_trial_may_come_out_differently(capsys: pytest.CaptureFixture[str]) -> None:
    say_rerun("saved", 1, ("value was 0.5, is now 0.25",), "went on from step 4 in attempt 2")
    assert "Trial 1 of saved went on from step 4 in attempt 2, and was now run here from its start" in capsys.readouterr().out
    with pytest.raises(HpsearchError, match="came out differently"):
        say_rerun("saved", 1, ("value was 0.5, is now 0.25",))


@pytest.mark.parametrize("way", ["fresh", "another seed", "another name"])
def test_another_start_reads_no_checkpoint(epochs: list[int], project: Path, way: str) -> None:
    interrupt(project, at=5)
    study = {"fresh": STUDY, "another seed": replace(STUDY, seed=3), "another name": replace(STUDY, name="other")}[way]
    trials = run(project, study, fresh=way != "another name").trials
    assert [trial.resumed_step for trial in trials] == [None] * 3
    assert epochs == [*range(1, 6), *list(range(1, 11)) * 3]
    assert saved(project) == (["0"] if way == "another name" else [])


def test_a_failed_trial_goes_on_with_retry_alone(epochs: list[int], project: Path) -> None:
    Counting.stop_at, Counting.error = 5, RuntimeError
    study = replace(STUDY, strategy=Random(trials=1))
    assert run(project, study).trials[0].status is Status.FAILED
    Counting.stop_at = None
    assert run(project, study).trials[0].status is Status.FAILED
    assert saved(project) == ["0"]
    (trial,) = run(project, study, retry=True).trials
    assert epochs == [*range(1, 6), *range(5, 11)]
    assert (trial.status, trial.resumed_step, trial.attempt) == (Status.FINISHED, 4, 2)
    assert len(trial.outcome.history["weight"]) == EPOCHS
    assert saved(project) == []


def test_a_promoted_trial_goes_on_from_the_one_it_continues(epochs: list[int], project: Path) -> None:
    """Two epochs of four trials, then two more of the better half, then four more of the best: none is trained twice."""
    study = replace(STUDY, strategy=Halving(trials=4, min_epochs=2, max_epochs=8, factor=2))
    trials = run(project, study).trials
    assert len(epochs) == 4 * 2 + 2 * 2 + 1 * 4
    promoted = [trial for trial in trials if trial.continues is not None]
    assert [trial.resumed_step for trial in promoted] == [2, 2, 4]
    assert all(len(trial.outcome.history["weight"]) == trial.budget for trial in trials)
    assert saved(project) == []
    assert f"went on from step 4 of trial {promoted[-1].continues}" in run_command(project, "show", "saved").stdout


def test_without_a_lasting_record_checkpoints_go_with_the_process(epochs: list[int], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    study = replace(STUDY, strategy=Halving(trials=4, min_epochs=2, max_epochs=8, factor=2))
    trials = study.run(1, backend="sequential", tracker=MemoryTracker()).trials
    assert [trial.resumed_step for trial in trials if trial.continues is not None] == [2, 2, 4]
    assert list(tmp_path.glob("hpsearch-*")) == []


class Own:
    """A strategy that proposes one setting, and then goes on with it."""

    continues = True

    def search(self, space: Any, rng: Any, known: Any = ()) -> Any:
        first = space.sample(rng)
        yield Batch([Proposal(first, 4)])
        yield Batch([Proposal(first, 8, continues=0)])

    def __repr__(self) -> str:
        return "Own()"


def test_a_promoted_trial_goes_on_after_an_interrupt_between_the_two(epochs: list[int], project: Path) -> None:
    study = replace(STUDY, strategy=Own())
    interrupt(project, at=4, study=study)
    assert saved(project) == ["0", "1"]  # the second one counts its attempts
    assert [trial.resumed_step for trial in run(project, study).trials] == [None, 4]
    assert epochs == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_full_store_is_no_matter(epochs: list[int], project: Path, caplog: Any) -> None:
    """A file stands where the folder would be."""
    (project / "mlruns" / "states").touch()
    assert [trial.status for trial in run(project).trials] == [Status.FINISHED] * 3
    assert len([text for text in caplog.messages if text.startswith("A checkpoint of trial ")]) == 3


def dies_once(params: Params, context: Context) -> float:
    for epoch in range(context.step + 1, 7):
        context.report(epoch, error=1.0 / epoch)
        with context.checkpoint(epoch) as folder:
            (folder / "epoch").write_text(str(epoch))
        if epoch == 3 and context.resumed is None:
            os._exit(3)
    return params["x"]


@pytest.mark.campaign
@pytest.mark.parametrize("retries", [0, 1])
def test_a_trial_whose_worker_dies_goes_on_in_the_next_one(project: Path, retries: int) -> None:
    """Without retries a trial has a process of its own, and only a later start tries it again."""
    study = Study("dying", Space(x=Float(0.0, 1.0)), dies_once, Random(trials=2), retries=retries)
    trials = run(project, study, "loky").trials
    if retries == 0:
        assert [trial.status for trial in trials] == [Status.DIED] * 2
        trials = run(project, study, "loky", retry=True).trials
    assert [(trial.status, trial.resumed_step, trial.attempt) for trial in trials] == [(Status.FINISHED, 3, 2)] * 2
    assert all(len(trial.outcome.history["error"]) == 6 for trial in trials)


NETWORK = Study(
    "network",
    Space(learning_rate=Float(0.1, 1.0, log=True), momentum=Float(0.1, 0.9)),
    TrainNetwork(data.digits().head(200), hidden=(6,), epochs=8, dropout=0.2),
    Random(trials=2),
)


@pytest.mark.parametrize("members", [1, 2])
def test_a_network_goes_on_to_the_same_bits_and_is_not_marked(
    members: int, tmp_path: Path, project: Path, monkeypatch: Any
) -> None:
    study = replace(NETWORK, objective=replace(NETWORK.objective, members=members))
    alone = study.run(1, backend="sequential", tracker=MemoryTracker())
    monkeypatch.setattr(reporting, "CHECKPOINT_SECONDS", 0.0)
    report = Context.report

    def killed(self: Context, step: int, **metrics: float) -> None:
        report(self, step, **metrics)
        if step == 5:
            os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(Context, "report", killed)
        ending = run_isolated(lambda: run(project, study), Limits())
    assert "SIGKILL" in ending.reason
    (folder,) = (project / "mlruns" / "states" / "network").iterdir()
    shutil.copytree(folder, tmp_path / "kept")
    restored: list[int] = []
    restore: Any = reporting._restore_checkpoint

    def restoring(training: Any, context: Context) -> Any:
        found = restore(training, context)
        restored.append(len(training.history))
        return found

    monkeypatch.setattr(reporting, "_restore_checkpoint", restoring)
    again = run(project, study)
    assert restored[:2] == [4, 0]  # the first trial has four epochs behind it, the second one none; then comes the export
    assert [(trial.resumed_step, trial.attempt) for trial in again.trials] == [(None, 1)] * 2
    assert table(again.trials) == table(alone.trials)
    (archive, *_) = sorted((tmp_path / "kept").glob("*/files/state.npz"))
    with np.load(archive, allow_pickle=False) as arrays:
        assert any("rng" in name for name in arrays)


def test_a_short_training_writes_nothing(project: Path, monkeypatch: Any) -> None:
    """The default interval is 30 s; a trial here takes hundredths of a second."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a checkpoint was written")

    monkeypatch.setattr(Context, "checkpoint", refuse)
    assert all(trial.ok for trial in run(project, NETWORK).trials)
    assert not (project / "mlruns" / "states").exists()
