"""What identifies a study, and what its trials draw from, setting by setting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hpsearch import Float, Space, Study, data
from hpsearch.objectives import TrainNetwork, TrainSVM
from hpsearch.search.stopping import MedianStop
from hpsearch.strategies import Random, Staged
from hpsearch.trial import Outcome, Params, Status, Trial

ALWAYS = ["space", "objective", "strategy", "seed", "direction"]


def bowl(params: Params) -> float:
    return float(params["x"] ** 2)


STUDY = Study("bowl", Space(x=Float(0.0, 1.0)), bowl, Random(trials=3), seed=5)


def trial(number: int, stage: str = "all", replicate: int = 0) -> Trial:
    return Trial(number, {"x": 0.5}, stage, Status.FINISHED, Outcome(1.0), replicate=replicate)


@pytest.mark.parametrize(
    ("changes", "extra"),
    [
        ({}, {}),
        ({"replicates": 1}, {}),
        ({"replicates": 2}, {"replicates": "2"}),
        ({"first": [{"x": 0.5}]}, {"first": "[{'x': 0.5}]"}),
        ({"early_stop": MedianStop("cost")}, {"early_stop": repr(MedianStop("cost")), "versions": "MedianStop 2"}),
    ],
)
def test_only_settings_other_than_the_default_join_the_identity(changes: dict[str, Any], extra: dict[str, str]) -> None:
    identity = replace(STUDY, **changes).identity
    assert list(identity) == [*ALWAYS, *extra]
    assert {name: identity[name] for name in extra} == extra


def test_known_trials_join_the_identity_by_their_content() -> None:
    one, other = (replace(STUDY, known=[trial(n)]).identity["known"] for n in (0, 1))
    assert len(one) == len(other) == 16
    assert one != other


def test_the_direction_and_its_sign() -> None:
    assert (STUDY.identity["direction"], STUDY.sign) == ("minimize", 1)
    larger = replace(STUDY, maximize=True)
    assert (larger.identity["direction"], larger.sign) == ("maximize", -1)


def test_replicates_and_confirming_trials_draw_by_replicate_and_others_by_number() -> None:
    """Spawn keys as documented: the number of the trial, or that of the training it continues, or the replicate."""
    assert [STUDY.task(trial(n)).key[1] for n in (0, 7)] == [0, 7]
    assert STUDY.task(trial(7), origin=trial(3)).key == STUDY.task(trial(3)).key
    confirming = STUDY.task(trial(7, "confirm", replicate=2)).key
    assert confirming == replace(STUDY, replicates=2).task(trial(9, replicate=2)).key
    assert confirming[1] == 2
    assert confirming[0] != STUDY.task(trial(2)).key[0]


def test_data_join_the_identity_by_name_sizes_and_sixteen_digits_of_their_checksum() -> None:
    digits = data.digits()
    study = Study("s", Space(C=Float(1.0, 2.0)), TrainSVM(digits), Random(trials=1))
    assert study.identity["data"] == f"{digits!r} sha256 {digits.checksum[:16]}"
    assert len(study.identity["data"].rpartition(" ")[2]) == 16


def test_ranges_of_the_objective_are_added_for_required_names_that_are_left_out_alone() -> None:
    network = TrainNetwork(data.digits(), hidden=(5,), epochs=1)
    own = Float(0.1, 0.2)
    without = Study("s", Space(l2=own), network, Staged(trials=60)).space
    assert dict(without.declared) == {"l2": own, "learning_rate": network.ranges["learning_rate"]}
    given = Study("s", Space(learning_rate=own), network, Staged(trials=60)).space
    assert dict(given.declared) == {"learning_rate": own}
