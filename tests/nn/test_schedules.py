"""Schedules and early stopping, epoch by epoch, and as templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from hpsearch import data
from hpsearch.errors import SettingError
from hpsearch.nn.recipe import Recipe
from hpsearch.nn.regularizers import L2
from hpsearch.nn.schedules import (
    Anneal,
    Constant,
    Cosine,
    Cyclic,
    DivideOnPlateau,
    Exponential,
    Gradual,
    HalveOnPlateau,
    InverseTime,
    Linear,
    Schedule,
    Step,
    WarmUp,
)
from hpsearch.nn.stopping import NoImprovement, SmallGain, Stopping
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Context
from hpsearch.space import Choice, Float, Int, Space


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


@pytest.mark.parametrize("milestones", [(2, 3), [2, 3]])
def test_step_after_epochs_of_a_list(milestones: tuple[int, ...]) -> None:
    # As the milestones of PyTorch's MultiStepLR: of five epochs the first two have the whole rate, the third a tenth of it.
    assert factors(Step(milestones=milestones, factor=0.1), [0.5] * 5) == pytest.approx([1, 1, 0.1, 0.01, 0.01, 0.01])
    assert factors(Step(milestones=(2, 4, 6)), [0.5] * 7) == factors(Step(every=2), [0.5] * 7)
    assert repr(Step(milestones=milestones)) == "Step(factor=0.1, milestones=(2, 3))"


@pytest.mark.parametrize("schedule", [Step(milestones=(2, 3), factor=0.1), Step(every=2, factor=0.5)])
def test_a_training_has_the_rates_of_its_steps(schedule: Step) -> None:
    rows = data.digits().head(60, 40)
    objective = TrainNetwork(rows, hidden=(4,), epochs=5, learning_rate=0.4, schedule=schedule)
    rates = objective({}, Context(np.random.default_rng(0))).history["learning_rate"]
    assert [rate for _, rate in rates] == pytest.approx([0.4 * schedule.multiplier((), epoch, 5) for epoch in range(5)])


def test_steps_of_a_list_may_be_searched() -> None:
    space = Space(schedule=Choice(Step(milestones=Choice((2, 3), (5,)), factor=Float(0.1, 0.5)), Step(Int(2, 4))))  # type: ignore[arg-type]
    found = [space.resolve(space.sample(np.random.default_rng(seed)))["schedule"] for seed in range(30)]
    assert {rule.milestones for rule in found} == {(2, 3), (5,), None}


def test_halves_after_epochs_without_improvement_and_counts_anew() -> None:
    assert factors(HalveOnPlateau(2), [0.5, 0.5, 0.5, 0.6, 0.6, 0.6]) == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_ends_below_the_floor() -> None:
    # Nielsen's exercise: halve until the rate is 1/128 of its start; after seven halvings the eighth ends it.
    found = factors(HalveOnPlateau(1), [0.5] * 9)
    assert found == [1, 1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 0]


def test_divides_by_ten_until_a_thousandth_and_stops() -> None:
    # Nielsen's other example: ten times less at each plateau, to the end at 1/1000 of the start.
    found = factors(DivideOnPlateau(patience=1), [0.5] * 6)
    assert found == [1, 1, 1 / 10, 1 / 100, 1 / 1000, 0, 0]
    # 1/3/3/3 is a bit less than 1/27 in floating point, and is reached all the same.
    assert factors(DivideOnPlateau(3.0, 1, 1 / 27), [0.5] * 5) == pytest.approx([1, 1, 1 / 3, 1 / 9, 1 / 27, 0])


@pytest.mark.parametrize(("schedule", "last", "plateaus"), [(HalveOnPlateau(), 1 / 128, 8), (DivideOnPlateau(), 1 / 1000, 4)])
def test_the_last_multiplier_is_the_floor(schedule: HalveOnPlateau | DivideOnPlateau, last: float, plateaus: int) -> None:
    """Nielsen, ch. 3: halved to 1/128 of the start, or divided by ten to 1/1000, each after ten epochs without improvement.

    The accuracy of the first epoch is never improved on, so the multiplier changes at the epochs 11, 21, 31 and so on.
    """
    assert schedule.watches_accuracy
    found = factors(schedule, [0.5] * (10 * plateaus + 1))
    assert found[:11] == [1.0] * 11
    assert found[-11:] == [pytest.approx(last)] * 10 + [0]
    assert [round(1 / share, 6) for share in found[1:-1:10]] == [schedule.divisor**k for k in range(plateaus)]
    assert schedule.multiplier((last, 0.5, 0.0), 0, 1) == last
    assert schedule.multiplier((last * (1 - 1e-6), 0.5, 0.0), 0, 1) == 0


@pytest.mark.parametrize("rule", [HalveOnPlateau, DivideOnPlateau])
def test_the_limits_of_a_plateau_schedule(rule: type[HalveOnPlateau | DivideOnPlateau]) -> None:
    assert rule(patience=1, floor=1.0).floor == 1.0
    for settings in ({"patience": 0}, {"floor": 0.0}, {"floor": -0.5}, {"floor": 1.5}):
        with pytest.raises(SettingError, match=f"{rule.__name__} {next(iter(settings))} must be"):
            rule(**settings)  # type: ignore[arg-type]


def test_halving_is_dividing_by_two() -> None:
    accuracies = [0.5, 0.5, 0.5, 0.6, 0.6, 0.6]
    assert factors(DivideOnPlateau(2.0, 2), accuracies) == factors(HalveOnPlateau(2), accuracies)
    with pytest.raises(SettingError, match=r"DivideOnPlateau by must be a number in \(1, inf\), got 1\. 2 and 10 are usual"):
        DivideOnPlateau(by=1)


def test_no_improvement() -> None:
    rule = NoImprovement(2)
    memory = rule.begin()
    done = []
    for accuracy in (0.0, 0.5, 0.5, 0.6, 0.6, 0.5):
        memory = rule.after(memory, accuracy)
        done.append(rule.done(memory))
    assert done == [False, False, False, False, False, True]


def stops_after(rule: Stopping, accuracies: Sequence[float]) -> int | None:
    """The epoch, from 1, after which a rule ends a training."""
    memory = rule.begin()
    for epoch, accuracy in enumerate(accuracies, start=1):
        memory = rule.after(memory, accuracy)
        if rule.done(memory):
            return epoch
    return None


def test_small_gains_do_not_keep_a_training_alive() -> None:
    creeping = [0.9 + 0.0001 * epoch for epoch in range(100)]  # 1 % of the errors left in ten epochs
    assert stops_after(NoImprovement(10), creeping) is None
    assert stops_after(SmallGain(0.05, 10), creeping) == 11
    # Errors that fall by 3 % in each epoch: two epochs make more than 5 %.
    falling = [1 - 0.5 * 0.97**epoch for epoch in range(100)]
    assert stops_after(SmallGain(0.05, 2), falling) is None
    assert stops_after(SmallGain(0.05, 1), falling) == 2
    assert stops_after(SmallGain(0.05, 3), [0.9, 1.0, 1.0, 1.0, 1.0]) == 5  # nothing left to gain


@pytest.mark.parametrize("patience", [1, 3, 10])
def test_any_gain_is_no_improvement(patience: int) -> None:
    accuracies = np.random.default_rng(0).random(200).tolist()
    for start in range(0, 200, 20):
        rules = [SmallGain(0.0, patience), NoImprovement(patience)]
        assert len({stops_after(rule, accuracies[start:]) for rule in rules}) == 1


def test_anneals_from_its_start_on() -> None:
    # Bergstra and Bengio (2012): eta_t = t0 eta_0 / max(t, t0).
    rule = Anneal(start=4)
    assert [rule.at(step) for step in (1, 4, 5, 8, 400)] == pytest.approx([1, 1, 0.8, 0.5, 0.01])
    assert isinstance(rule, Gradual)
    assert not any(isinstance(other, Gradual) for other in (Constant(), Step(every=1), HalveOnPlateau()))


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        # The closed forms in the sources, evaluated with NumPy at t/T = 0, 1/8, ..., 1.
        (InverseTime(end=0.1), 1 / (1 + 9 * np.linspace(0, 1, 9))),
        (Exponential(end=0.001), np.geomspace(1, 0.001, 9)),
        (Linear(end=0.2), np.linspace(1, 0.2, 9)),
        (Cosine(), np.cos(np.linspace(0, np.pi / 2, 9)) ** 2),
        (Cosine(end=0.1), 0.1 + 0.9 * np.cos(np.linspace(0, np.pi / 2, 9)) ** 2),
        (Cyclic(cycles=1), [*np.cos(np.linspace(0, np.pi / 2, 9)[:8]) ** 2, 1]),
        # Cycles of ceil(8/3) = 3 epochs: cos^2 of 0, 30 and 60 degrees are 1, 3/4 and 1/4.
        (Cyclic(cycles=3), [1, 3 / 4, 1 / 4, 1, 3 / 4, 1 / 4, 1, 3 / 4, 1 / 4]),
        (Cyclic(cycles=9), [1] * 9),
    ],
)
def test_spans_the_epochs(schedule: Schedule, wanted: Sequence[float]) -> None:
    np.testing.assert_allclose(factors(schedule, [0.5] * 8), wanted, atol=1e-15)


@pytest.mark.parametrize("schedule", [Linear(), Cosine(), Cyclic(cycles=3), Cyclic(cycles=7)])
@pytest.mark.parametrize("epochs", [1, 2, 10, 60])
def test_falling_to_nothing_does_not_end_the_training_before_its_last_epoch(schedule: Schedule, epochs: int) -> None:
    found = factors(schedule, [0.5] * epochs)
    assert found[0] == 1.0
    assert min(found[:-1]) > 0.0


def test_warms_up_before_any_other() -> None:
    rule = WarmUp(steps=4, then=Anneal(start=6))
    assert [rule.at(step) for step in (1, 2, 3, 4, 6, 12)] == pytest.approx([1 / 4, 1 / 2, 3 / 4, 1, 1, 1 / 2])
    assert factors(WarmUp(4, Linear()), [0.5] * 4) == factors(Linear(), [0.5] * 4)
    assert factors(WarmUp(4, HalveOnPlateau(1)), [0.5] * 4) == factors(HalveOnPlateau(1), [0.5] * 4)
    assert [WarmUp(4, then).watches_accuracy for then in (Linear(), HalveOnPlateau())] == [False, True]
    assert isinstance(rule, Gradual)


def test_schedules_are_options_of_a_choice_with_ranges_of_their_own() -> None:
    warm = WarmUp(Int(1, 9), Choice(Cosine(), Step(Int(2, 4))))  # type: ignore[arg-type]
    space = Space(schedule=Choice(Cyclic(Int(2, 4)), Exponential(Float(1e-3, 0.1, log=True)), warm))  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    found = [space.resolve(space.sample(rng))["schedule"] for _ in range(50)]
    assert {type(rule) for rule in found} == {Cyclic, Exponential, WarmUp}
    assert {type(rule.then) for rule in found if isinstance(rule, WarmUp)} == {Cosine, Step}
    for rule in found:
        Recipe(1.0, schedule=rule)


def test_refuses_a_range_deep_inside() -> None:
    with pytest.raises(SettingError, match=r"schedule then every must be a plain value, got Int\(2, 4\)\. Put a rule"):
        Recipe(1.0, schedule=WarmUp(5, Step(Int(2, 4))))  # type: ignore[arg-type]


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
        (lambda: Step(), r"Step must be given every or milestones, got 'neither'\. Write Step\(every=10\)"),
        (lambda: Step(every=2, milestones=(3,)), r"Step must be given every or milestones, got 'both'\."),
        (lambda: Step(milestones=()), r"Step milestones must be a tuple of numbers of epochs, got \(\)\."),
        (lambda: Step(milestones=10), r"Step milestones must be a tuple of numbers of epochs, got 10\."),  # type: ignore[arg-type]
        (lambda: Step(milestones=(0, 2)), r"An epoch of Step milestones must be a whole number >= 1, got 0\."),
        (
            lambda: Step(milestones=(5, 5)),
            r"Step milestones must be rising, got \(5, 5\)\. Write it as in milestones",
        ),
        (lambda: Step(every=2, factor="a"), r"Step factor must be a number in \(0, 1\], got 'a'\."),  # type: ignore[arg-type]
        (lambda: Anneal(start=0), r"Anneal start must be a whole number >= 1, got 0\."),
        (lambda: InverseTime(0.0), r"InverseTime end must be a number in \(0, 1\], got 0\.0\."),
        (lambda: Exponential(2), r"Exponential end must be a number in \(0, 1\], got 2\."),
        (lambda: Cosine(-0.1), r"Cosine end must be a number in \[0, 1\], got -0\.1\."),
        (lambda: Linear(float("nan")), r"Linear end must be a number in \[0, 1\], got nan\."),
        (lambda: Cyclic(cycles=0), r"Cyclic cycles must be a whole number >= 1, got 0\."),
        (lambda: WarmUp(0), r"WarmUp steps must be a whole number >= 1, got 0\."),
        (lambda: WarmUp(5, "cosine"), r"WarmUp then must be a schedule, got 'cosine'\."),  # type: ignore[arg-type]
        (lambda: WarmUp(5, Cosine), r"WarmUp then must be a schedule, got <class"),  # type: ignore[arg-type]
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
    assert repr(WarmUp(5, Cosine())) == "WarmUp(steps=5, then=Cosine(end=0.0))"
