"""Checkpoints of a Keras training: the model with its optimiser, in Keras's own format."""

from __future__ import annotations

from typing import Any

from hpsearch.checks import integer
from hpsearch.integrations.metrics import is_due, report
from hpsearch.ports import Context

_FILE = "model.keras"


def restore(context: Context, **settings: Any) -> Any:
    """Return the model of the newest checkpoint, compiled as it was; None where there is none.

    Continue with ``model.fit(..., initial_epoch=context.step)``.

    Args:
        context: of the trial.
        settings: of `keras.models.load_model`, such as ``custom_objects``.
    """
    import keras

    return None if context.folder is None else keras.models.load_model(str(context.folder / _FILE), **settings)


def checkpoint(context: Context, every: int = 1) -> Any:
    """Return a callback that reports each epoch, and saves the model after every so many."""
    import keras

    integer("every", every, 1, "Pass the number of epochs between two checkpoints.")

    class Checkpoint(keras.callbacks.Callback):
        """Saves the model."""

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            """Report and save; Keras counts epochs from zero."""
            step = epoch + 1
            report(context, step, logs or {})
            if is_due(step, every, self.params.get("epochs", -1)):
                with context.checkpoint(step) as folder:
                    self.model.save(str(folder / _FILE))

    return Checkpoint()
