"""Checkpoints of a PyTorch Lightning training: everything that its trainer needs to continue."""

from __future__ import annotations

from typing import Any

from hpsearch.checks import integer
from hpsearch.integrations.metrics import is_due, report
from hpsearch.ports import Context

_FILE = "model.ckpt"


def ckpt_path(context: Context) -> str | None:
    """Return the argument ``ckpt_path`` of ``trainer.fit`` that continues from the newest checkpoint; None without one."""
    return None if context.folder is None else str(context.folder / _FILE)


def checkpoint(context: Context, every: int = 1) -> Any:
    """Return a callback that reports each epoch, and saves the training after every so many."""
    integer("every", every, 1, "Pass the number of epochs between two checkpoints.")

    base: Any = _callback_class()

    class Checkpoint(base):
        """Saves the training."""

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            """Report and save; Lightning counts epochs from zero."""
            step = int(trainer.current_epoch) + 1
            report(context, step, trainer.callback_metrics)
            if is_due(step, every, -1 if trainer.max_epochs is None else trainer.max_epochs):
                with context.checkpoint(step) as folder:
                    trainer.save_checkpoint(folder / _FILE)

    return Checkpoint()


def _callback_class() -> Any:
    """Return Lightning's base class of callbacks, from its package or from that of its earlier name."""
    try:
        from lightning.pytorch import Callback
    except ModuleNotFoundError:
        from pytorch_lightning import Callback
    return Callback
