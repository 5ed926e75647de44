"""Keras: a training that is interrupted continues from its newest checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.execution.task import trial_context
from hpsearch.integrations import keras as integration
from hpsearch.ports import CheckpointPlace, Context, Task
from hpsearch.trial import Status, Trial

keras = pytest.importorskip("keras", reason="keras is not installed: it needs a backend of hundreds of megabytes")
X = np.random.default_rng(0).normal(size=(50, 3)).astype("float32")
Y = X @ np.array([[1.0], [2.0], [3.0]], "float32")


def train(context: Context, *more: Any) -> Any:
    model = integration.restore(context)
    if model is None:
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile(optimizer="adam", loss="mse")
    callbacks = [integration.checkpoint(context, every=2), *more]
    model.fit(X, Y, epochs=8, initial_epoch=context.step, verbose=0, callbacks=callbacks)
    return model


@pytest.mark.filterwarnings("ignore")  # what its backends warn of is not ours
def test_an_interrupted_training_continues(tmp_path: Path) -> None:
    class Interrupts(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 4:
                raise KeyboardInterrupt

    task = Task(Trial(0, {}, "all", Status.FAILED), {}, 0, (2, 0), checkpoints=CheckpointPlace(tmp_path / "own"))
    with pytest.raises(KeyboardInterrupt):
        train(trial_context(task), Interrupts())
    again = trial_context(task)
    model = train(again)
    assert again.step == 4
    assert [step for step, _ in again.history["loss"]] == list(range(1, 9))
    assert int(model.optimizer.iterations) == 8 * 2  # two batches of at most 32 rows an epoch: those before count
