"""Schedules and early stopping, epoch by epoch, and as templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import FrozenInstanceError, replace

import pytest

from hpsearch.errors import SettingError
from hpsearch.nn.regularizers import L2
from hpsearch.nn.schedules import Anneal, Constant, Gradual, HalveOnPlateau, Schedule, Step
from hpsearch.nn.stopping import NoImprovement
from hpsearch.space import Int


def factors(schedule: Schedule, accuracies: Sequence[float]) -> list[float]:
    """The multiplier of every epoch, and of the one after the last."""
    memory, found = schedule.begin(), []
    for epoch, accuracy in enumerate([*accuracies, 0.0]):
        found.append(schedule.multiplier(memory, epoch, len(accuracies)))
        memory = schedule.after(memory, accuracy)
    return found


def test_constant() -> None:
    assert factors(Constant(), [0.5] * 3) == [1.0] * 4


def test_step() -> None:
    assert factors(Step(every=2, factor=0.1), [0.5] * 4) == pytest.approx([1, 1, 0.1, 0.1, 0.01])


def test_halves_after_epochs_without_improvement_and_counts_anew() -> None:
    assert factors(HalveOnPlateau(2), [0.5, 0.5, 0.5, 0.6, 0.6, 0.6]) == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_ends_below_the_floor() -> None:
    # Nielsen's exercise: halve until the rate is 1/128 of its start; after seven halvings the eighth ends it.
    found = factors(HalveOnPlateau(1), [0.5] * 9)
    assert found == [1, 1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 0]


def test_no_improvement() -> None:
    rule = NoImprovement(2)
    memory = rule.begin()
    done = []
    for accuracy in (0.0, 0.5, 0.5, 0.6, 0.6, 0.5):
        memory = rule.after(memory, accuracy)
        done.append(rule.done(memory))
    assert done == [False, False, False, False, False, True]


def test_anneals_from_its_start_on() -> None:
    # Bergstra and Bengio (2012): eta_t = t0 eta_0 / max(t, t0).
    rule = Anneal(start=4)
    assert [rule.at(step) for step in (1, 4, 5, 8, 400)] == pytest.approx([1, 1, 0.8, 0.5, 0.01])
    assert isinstance(rule, Gradual)
    assert not any(isinstance(other, Gradual) for other in (Constant(), Step(every=1), HalveOnPlateau()))


@pytest.mark.parametrize("template", [HalveOnPlateau(patience=Int(2, 10)), NoImprovement(patience=Int(2, 10))])  # type: ignore[arg-type]
def test_a_range_may_stand_in_a_field_until_it_is_filled_in(template: HalveOnPlateau | NoImprovement) -> None:
    assert replace(template, patience=3).patience == 3
    with pytest.raises(SettingError, match=r"patience must be a whole number >= 1, got 0\."):
        replace(template, patience=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HalveOnPlateau(patience=2.5), r"HalveOnPlateau patience must be a whole number >= 1, got 2\.5\."),  # type: ignore[arg-type]
        (lambda: HalveOnPlateau(floor=0.0), r"HalveOnPlateau floor must be a number in \(0, 1\], got 0\.0\."),
        (lambda: HalveOnPlateau(patience=True), r"HalveOnPlateau patience must be a whole number >= 1, got True\."),
        (lambda: Step(every=0), r"Step every must be a whole number >= 1, got 0\."),
        (lambda: Step(every=2, factor="a"), r"Step factor must be a number in \(0, 1\], got 'a'\."),  # type: ignore[arg-type]
        (lambda: Anneal(start=0), r"Anneal start must be a whole number >= 1, got 0\."),
        (lambda: NoImprovement(-1), r"NoImprovement patience must be a whole number >= 1, got -1\."),
        (lambda: L2(-1.0), r"L2 strength must be a number in \[0, inf\), got -1\.0\."),
    ],
)
def test_refuses_bad_settings(make: object, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make()  # type: ignore[operator]


def test_is_frozen_and_says_what_it_is() -> None:
    with pytest.raises(FrozenInstanceError):
        Step(every=2).every = 3  # type: ignore[misc]
    assert repr(Step(every=2)) == "Step(every=2, factor=0.1)"
