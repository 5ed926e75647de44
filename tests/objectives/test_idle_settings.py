"""Settings that no trial uses are named in one sentence each, once a study; those that some trial uses are not."""

from __future__ import annotations

from typing import Any

import pytest

from hpsearch import Choice, Float, Space, Study, data
from hpsearch.nn import train
from hpsearch.objectives import CrossValidate, TrainNetwork
from hpsearch.strategies import Random
from hpsearch.tracking.memory import MemoryTracker
from tests.nn.blobs import blobs

DATA = data.arrays(*blobs(60), name="blobs")
HIDDEN = "has no effect: there is no hidden layer."


@pytest.mark.parametrize(
    ("settings", "searched", "said"),
    [
        ({"hidden": (), "max_norm": 3.0}, {}, [f"max_norm {HIDDEN}"]),
        ({"hidden": (), "batch_norm": True, "dropout": 0.2}, {}, [f"batch_norm {HIDDEN}", f"dropout {HIDDEN}"]),
        ({"hidden": ()}, {"max_norm": Float(1, 4)}, [f"max_norm {HIDDEN}"]),
        ({"hidden": ()}, {"activation": Choice("relu", "tanh")}, [f"activation {HIDDEN}"]),
        ({}, {"hidden": Choice((), (5,)), "max_norm": Float(1, 4)}, []),
        ({"hidden": (5,), "max_norm": 3.0, "batch_norm": True}, {}, []),
        ({"hidden": ()}, {}, []),
        ({"decay_biases": True}, {}, ["decay_biases has no effect: l1 and l2 are 0."]),
        ({"decay_biases": True, "l2": 1.0}, {}, []),
        ({"decay_biases": True}, {"l1": Float(0, 1)}, []),
        ({}, {"decay_biases": Choice(False, True)}, ["decay_biases has no effect: l1 and l2 are 0."]),
        ({"members_vote": True}, {}, ["members_vote has no effect: there is a single member."]),
        ({"members_vote": True, "members": 3}, {}, []),
        ({"members_vote": True}, {"members": Choice(1, 3)}, []),
    ],
)  # fmt: skip
def test_one_sentence_for_each(settings: dict[str, Any], searched: dict[str, Any], said: list[str]) -> None:
    objective = TrainNetwork(DATA, **settings)
    assert objective.idle_settings(Space(learning_rate=Float(0.1, 1.0), **searched)) == said


@pytest.mark.parametrize(
    ("settings", "searched", "said"),
    [
        ({"init": "large"}, {}, ["init has no effect: all layers begin as those of start."]),
        ({}, {"init": Choice("large", "he")}, ["init has no effect: all layers begin as those of start."]),
        ({}, {}, []),
        ({"init": "large", "new_layers": 1}, {}, []),
        ({"init": "large"}, {"new_layers": Choice(0, 1)}, []),
    ],
)  # fmt: skip
def test_first_weights_are_idle_where_all_are_those_of_another_network(
    settings: dict[str, Any], searched: dict[str, Any], said: list[str]
) -> None:
    objective = TrainNetwork(DATA, 4, start=train(DATA.train, hidden=4, epochs=1), **settings)
    assert objective.idle_settings(Space(learning_rate=Float(0.1, 1.0), **searched)) == said


@pytest.mark.parametrize("wrap", [lambda objective: objective, lambda objective: CrossValidate(objective, folds=2)])
def test_the_study_says_it_once_and_keeps_it(wrap: Any) -> None:
    objective = wrap(TrainNetwork(DATA, hidden=(), max_norm=3.0, epochs=1))
    study = Study("idle", Space(learning_rate=Float(0.1, 1.0)), objective, Random(trials=2))
    result = study.run(1, backend="sequential", tracker=MemoryTracker(), progress=None, report=False)
    assert result.notes == [f"max_norm {HIDDEN}"]
