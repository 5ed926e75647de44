"""PyTorch Lightning: a training that is interrupted continues from its newest checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpsearch.execution.task import trial_context
from hpsearch.integrations import lightning as integration
from hpsearch.ports import CheckpointPlace, Context, Task
from hpsearch.trial import Status, Trial

lightning = pytest.importorskip("lightning.pytorch", reason="lightning is not installed: it needs PyTorch")
torch = pytest.importorskip("torch", reason="torch is not installed")


class Line(lightning.LightningModule):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)

    def training_step(self, batch: Any, index: int) -> Any:
        loss = self.layer(batch[0]).square().mean()
        self.log("loss", loss, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters())


def train(context: Context, folder: Path, *more: Any) -> Any:
    rows = torch.utils.data.TensorDataset(torch.ones(8, 3))
    trainer = lightning.Trainer(
        max_epochs=6, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=folder, callbacks=[integration.checkpoint(context, every=2), *more],
    )  # fmt: skip
    trainer.fit(Line(), torch.utils.data.DataLoader(rows, batch_size=4), ckpt_path=integration.ckpt_path(context))
    return trainer


@pytest.mark.filterwarnings("ignore")
def test_an_interrupted_training_continues(tmp_path: Path) -> None:
    class Interrupts(lightning.Callback):  # type: ignore[misc, name-defined]
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            if trainer.current_epoch == 4:
                raise RuntimeError("on purpose")

    task = Task(Trial(0, {}, "all", Status.FAILED), {}, 0, (2, 0), checkpoints=CheckpointPlace(tmp_path / "own"))
    with pytest.raises(RuntimeError, match="on purpose"):
        train(trial_context(task), tmp_path, Interrupts())
    again = trial_context(task)
    trainer = train(again, tmp_path)
    assert again.step == 4
    assert [step for step, _ in again.history["loss"]] == list(range(1, 7))
    assert trainer.global_step == 6 * 2
