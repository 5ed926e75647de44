"""The network and the settings that both searches try."""

from __future__ import annotations

import numpy as np

from hpsearch import Choice, Float, Space
from hpsearch.strategies import Random
from hpsearch.trial import Params

HIDDEN, EPOCHS = 100, 5
SPACE = Space(
    learning_rate=Float(1e-2, 1.0, log=True),
    momentum=Float(0.0, 0.9),
    batch_size=Choice(10, 20, 50, 100),
)


def settings(trials: int) -> list[Params]:
    """Return the settings of a study with this space, ``Random(trials)`` and seed 0."""
    rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(0,)))
    return [proposal.params for proposal in next(Random(trials=trials).search(SPACE, rng)).proposals]
