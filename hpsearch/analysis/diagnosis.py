"""Diagnosis of learning curves: what is wrong with a training, by which numbers, and what to change.

Four labels are given by a rule, the first that holds:

    label               rule                                                                                    source
    diverged            a cost is NaN or infinite, or ends at more than twice what the first epoch cost         [2]
    bad initialisation  before training, outputs differ between rows by less than 0.001 or more than 30, and
                        accuracy stays at chance from the first to the last epoch                               [1, 2]
    decayed too early   the rate fell by 30 % or more at once after 3 epochs or fewer, or in the first fifth of
                        them while cost was still falling by 1 % an epoch                                       [1]
    rate too high       cost stays the same in the second half, having fallen by less than half; or all units
                        died: outputs differed by 0.1 or more before training, accuracy stays at chance as all
                        rows are given one class, and training cost is smooth while validation cost is not, or
                        fell in the first two epochs alone, as nothing but output biases moves                [2]

Where the share of dead units was recorded (``TrainNetwork(..., monitor_layers=True)``) nothing has to be inferred: a layer with
no living unit in the end, or hardly any and accuracy at chance, was badly initialised where that was so before training, and
otherwise killed by too high a rate. Norms and shares of the layers then count among the points, by a table of their own.

All other labels are scored by points. Each measure of `hpsearch.analysis.curve_shape.Shape` in the table of
`hpsearch.analysis.curve_points` gives points to each label by its value, and the label with the most points is given. What the
points amount to, in the words of the sources:

    label                  what speaks for it; what rules it out                                            source
    rate too low           cost falls all the time in small even steps, with no gap and little noise; it does
                           not where cost has stopped (slope < .00005) or is rough (> .01)                  [1, 2]
    bad initialisation     before training, rows hardly differ in the output layer, or far too much; a late
                           start                                                                            [1, 2]
    overfitting            validation cost ends above its lowest, and far above training cost; not by less
                           than a tenth                                                                     [1, 2]
    rate too high          cost leaps and bounces and gets nowhere                                          [2]
    plateau needing decay  cost goes up and down around a level at a constant rate; not where it is smooth
                           (roughness < .01, of validation cost < .02)                                      [1]
    train longer           cost and accuracy still improve in the last third                                [1]
    underfitting           accuracy is low, and validation cost hardly above training cost (never 1.5 times)  [1]
    healthy                calm, arrived, a small gap; not where validation cost ends 15 % above its lowest [1]

Whatever the points, a training is to go on where accuracy and cost get better fast and the gap between validation and training
cost is steady: that is no fault of the settings. A rate that may be too low is then named second.

Where accuracy was recorded on training rows too, the gap between both accuracies corrects the points: what fits 98 % of the
training rows, and of the validation rows 25 points less, is overfitting and neither healthy nor underfitting; what fits less
than 70 % of the training rows, with a gap below 5 points, and rises no more is underfitting and not healthy; and what fits 95 %
of the training rows is no underfitting.

All measures are relative, so that a cost in other units gets the same label. A second label is given where it may be true
beside the first and has almost as many points.

Sources: [1] the course CS231n, Stanford, "Neural Networks 2" (first weights) and "3" (reading curves); [2] Nielsen, Neural
Networks and Deep Learning, ch. 3: the threshold of the learning rate, overfitting, weight initialisation.
`studies/diagnosis.md` says how accurate a diagnosis is, and what it cannot tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from hpsearch.analysis.curve_points import Table, points
from hpsearch.analysis.curve_shape import Points, Shape, end, shape
from hpsearch.trial import Status, Trial

# With fewer epochs only divergence is diagnosed.
FEWEST = 4
# A second label is given where the first has at most so many points more: it is then half as likely, or likelier.
NEAR = 0.7
HEALTHY = "healthy"
# How far outputs may differ between rows before training where accuracy is at chance throughout.
USUAL_CONTRAST = (1e-3, 30.0)
# Accuracy that would rise by so much in as many epochs more is rising; and fast, where cost falls by such a share an epoch.
RISING, FAST = 0.1, 0.03
# Of a network whose units have all died, training cost is smoother than this and validation cost at least twice as rough.
SMOOTH, ROUGHER, ANSWERS = 0.0025, 2.0, 3
# A share of dead units that leaves hardly any.
HARDLY = 0.9
# Accuracies on training rows that are fitted, nearly fitted and badly fitted; a wide gap to validation rows, and a narrow one.
FITTED, NEARLY, BADLY, WIDE, NARROW = 0.98, 0.95, 0.7, 0.25, 0.05
# Less roughness than this is a cost that creeps, or stands still; less contrast than this is a network that begins slowly.
_SOME, LIVELY = 0.001, 0.1

ADVICE: dict[str, str] = {
    "diverged": "Lower learning_rate by a factor of ten, and l2 where learning_rate * l2 / n is near 2.",
    "decayed too early": "Let the schedule keep the rate until training cost is flat.",
    "rate too low": "Raise learning_rate by factors of ten until training cost falls in the first epochs.",
    "bad initialisation": 'Take init="scaled" and inputs of about unit size, or fewer layers in hidden.',
    "overfitting": "Raise l2, train on more rows, or end at the best epoch by a stopping rule.",
    "rate too high": "Lower learning_rate by a factor of three to ten.",
    "plateau needing decay": "Take a schedule that lowers the rate late, such as HalveOnPlateau(), or lower learning_rate.",
    "train longer": "Give more epochs.",
    "underfitting": "Take more hidden units or less l2.",
    HEALTHY: "Leave the training as it is; what is left to gain lies in the data or in another model.",
}
LABELS = tuple(ADVICE)
# Labels that a training which is still rising with a steady gap is not given in the first place.
FINISHED = {"rate too low", "overfitting", "underfitting", HEALTHY}
# What may be true beside the label.
BESIDE = {
    "rate too low": ("train longer",),
    "bad initialisation": ("overfitting", "train longer"),
    "train longer": ("rate too low",),
    "underfitting": ("train longer", "rate too low"),
}


@dataclass(frozen=True)
class Diagnosis:
    """A fault of a training, with evidence and advice.

    Args:
        label: one of the labels in the table of this module, or None where there is not enough to tell.
        evidence: the numbers of the curves that say so, one sentence.
        advice: what to change, in terms of params, one sentence.
        also: further labels that hold as well.
    """

    label: str | None
    evidence: str
    advice: str
    also: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.label or 'not enough to tell'}: {self.evidence} {self.advice}"


def diagnose(
    history: Mapping[str, Points],
    *,
    schedule: Iterable[float] | None = None,
    diverged: bool = False,
    table: Table | None = None,
) -> Diagnosis:
    """Diagnose the curves of a training. Never raises, whatever the numbers are.

    Args:
        history: curves by name, (epoch, value) pairs, as in ``outcome.history``: training_cost (or full_training_cost),
            validation_cost (or validation_error), validation_accuracy, training_accuracy, learning_rate; and first_contrast,
            one point, as `hpsearch.nn.network.Network.contrast` measures it before training. What is missing is done without;
            without a validation curve only the labels that have a rule are possible.
        schedule: the learning rate of each epoch, where the history has no learning_rate.
        diverged: the training ended because numbers were no longer finite, which its curves need not show.
        table: the points that are counted; the fitted ones if left out.

    >>> print(diagnose({"training_cost": [(1, 0.7), (2, float("nan"))]}).evidence)
    A cost is not finite, in epoch 2.
    """
    with np.errstate(all="ignore"):  # NaN makes every comparison below False
        return _read(shape(history, schedule), diverged, table)


def of_trial(trial: Trial) -> Diagnosis | None:
    """Return the diagnosis of a trial; None where it has none of the curves used here."""
    history = {} if trial.outcome is None else trial.outcome.history
    diverged = trial.status is Status.DIVERGED
    if not shape(history).epochs and not (diverged and history):
        return None
    return diagnose(history, diverged=diverged)


def label_of(trial: Trial) -> str | None:
    """Return the label of a trial's diagnosis, with what else holds: ``"rate too low, train longer"``; or None."""
    found = of_trial(trial)
    return None if found is None or found.label is None else ", ".join((found.label, *found.also))


def _read(s: Shape, diverged: bool, table: Table | None) -> Diagnosis:
    lost = _not_finite(s) or ("Training ended because numbers were no longer finite." if diverged else None)
    if lost:
        return Diagnosis("diverged", lost, ADVICE["diverged"])
    if s.epochs < FEWEST:
        return Diagnosis(None, f"There are costs of {s.epochs} epochs, and it takes {FEWEST}.", "Give more epochs.")
    for label, rule in FIRST.items():
        if evidence := rule(s):
            return Diagnosis(label, evidence, ADVICE[label])
    if not len(s.validation):
        return Diagnosis(None, "There is no validation curve, and training cost shows no fault.", "Record a validation curve.")
    total = {label: count for label, count in points(s, table).items() if not (label in NEVER and NEVER[label](s))}
    label = _by_gap(s, max(total, key=lambda name: total[name]))
    also = tuple(name for name in BESIDE.get(label, ()) if name in total and total[label] - total[name] <= NEAR)
    if label in FINISHED and _rising(s):
        if s.slope >= FAST:
            label, also = "train longer", ("rate too low",) if label == "rate too low" else ()
        elif label == "rate too low":
            also = ("train longer",)
    return Diagnosis(label, EVIDENCE[label](s), ADVICE[label], also)


def _by_gap(s: Shape, label: str) -> str:
    """Return the label that the accuracy on training rows gives in place of another one."""
    fitted = s.end_training_accuracy
    if label in (HEALTHY, "underfitting") and fitted >= FITTED and s.accuracy_gap >= WIDE:
        return "overfitting"
    if label == HEALTHY and fitted < BADLY and s.accuracy_gap < NARROW and s.accuracy_pace < RISING:
        return "underfitting"
    return label


def _rising(s: Shape) -> bool:
    """Whether accuracy and validation cost still get better, and the gap to the training cost stays as it is."""
    return s.accuracy_pace >= RISING and s.lowest >= s.epochs - 1 and s.steady_gap


def _not_finite(s: Shape) -> str | None:
    for curve in (s.training, s.validation):
        if not np.isfinite(curve).all():
            return f"A cost is not finite, in epoch {int(np.argmin(np.isfinite(curve))) + 1}."
    return None


def _exploded(s: Shape) -> str | None:
    return f"Cost rose from {s.costs[0]:.3g} to {end(s.costs):.3g}." if s.fall < -1 and not s.gap >= 3 else None


def _never_began(s: Shape) -> str | None:
    low, high = USUAL_CONTRAST
    if _layer_is_dead(s) and s.layers.dead_first >= HARDLY:
        return f"Of a layer's units {_dead_shares(s)}."
    if not s.guesses or not (s.contrast < low or s.contrast > high):
        return None
    return f"{_untrained(s)}; accuracy stays at {s.end_accuracy:.0%} or so from the first epoch to the last."


def _cut_early(s: Shape) -> str | None:
    cut = s.first_cut
    if not 0 < cut <= max(3, s.epochs // 5) or (cut > 3 and s.costs[cut - 1] > 0.99 * s.costs[cut - 2]):
        return None
    before, after = s.rates[cut - 1], s.rates[cut]
    rest = f"cost then went from {s.costs[min(cut, s.epochs) - 1]:.3g} to {end(s.costs):.3g}"
    return f"The rate was cut from {before:.3g} to {after:.3g} after {cut} of {s.epochs} epochs; {rest}."


def _stuck(s: Shape) -> str | None:
    if s.still and s.fall < 0.5:
        return f"Nothing moves: cost stays at {s.costs[-1]:.3g} in the second half."
    if _layer_is_dead(s):
        return f"Units have died: of a layer's {_dead_shares(s)}."
    return _all_died(s)


def _layer_is_dead(s: Shape) -> bool:
    """Whether a layer has no living unit in the end, or hardly any while accuracy is at chance; False if that is not known."""
    return s.layers.dead_end == 1 or (s.layers.dead_end >= HARDLY and s.guesses)


def _dead_shares(s: Shape) -> str:
    return f"{s.layers.dead_first:.0%} were dead before training, and {s.layers.dead_end:.0%} are in the end"


def _all_died(s: Shape) -> str | None:
    one_class = s.guesses and s.answers <= ANSWERS and s.contrast >= LIVELY
    rough = s.validation_roughness
    biases_move = s.roughness < SMOOTH and rough >= max(ROUGHER * s.roughness, _SOME)
    if not one_class or not (biases_move or s.fell_at_once):
        return None
    return f"Units have died: all rows are given one class, accuracy stays at {s.end_accuracy:.0%}, {_ends_at(s)}."


FIRST: dict[str, Callable[[Shape], str | None]] = {
    "diverged": _exploded,
    "bad initialisation": _never_began,
    "decayed too early": _cut_early,
    "rate too high": _stuck,
}


def _creeps(s: Shape) -> str:
    return f"Cost crept evenly from {s.costs[0]:.3g} to {s.costs[-1]:.3g} in {s.epochs} epochs, {s.slope:.2%} an epoch at last."


def _begins_badly(s: Shape) -> str:
    if np.isnan(s.contrast):
        return f"Validation cost of the first epoch was {s.validation[0]:.3g}, and {_ends_at(s)}."
    return f"{_untrained(s)}; {_ends_at(s)}."


def _untrained(s: Shape) -> str:
    return f"Before training, outputs differed between rows by {s.contrast:.2g}, where 0.1 to 1 is usual"


def _turned(s: Shape) -> str:
    numbers = f"Validation cost was lowest ({s.validation.min():.3g}) in epoch {s.lowest} and ends at {end(s.validation):.3g}"
    ends = f", while training cost ends at {end(s.training):.3g}" if len(s.training) else ""
    return f"{numbers}{ends}{_both_accuracies(s)}."


def _bounces(s: Shape) -> str:
    what = f"its largest rise from one epoch to the next is {np.expm1(s.jump):.0%}"
    return f"Cost went from {s.costs[0]:.3g} to {end(s.costs):.3g}; {what}."


def _up_and_down(s: Shape) -> str:
    what = f"by {s.roughness:.1%} an epoch on average, validation cost by {s.validation_roughness:.1%}"
    return f"Cost goes up and down around {end(s.costs):.3g}, {what}."


def _falls(s: Shape) -> str:
    falls = f"Training cost went from {s.costs[0]:.3g} to {end(s.costs):.3g}, by {s.slope:.1%} an epoch at last"
    rises = s.accuracy_pace > 0.005
    return f"{falls}, and accuracy would rise by {s.accuracy_pace:.2f} in as many epochs more." if rises else f"{falls}."


def _no_gap(s: Shape) -> str:
    if not len(s.training):
        return f"{_ends_at(s).capitalize()}, having been {s.validation[0]:.3g} in the first epoch{_both_accuracies(s)}."
    costs = f"Training cost ends at {end(s.training):.3g} and validation cost hardly above it, at {end(s.validation):.3g}"
    return f"{costs}{_both_accuracies(s)}."


def _both_accuracies(s: Shape) -> str:
    if np.isnan(s.accuracy_gap):
        return ""
    return f"; accuracy ends at {s.end_training_accuracy:.1%} on training rows and {s.end_accuracy:.1%} on validation rows"


def _no_fault(s: Shape) -> str:
    first, last, lowest = s.validation[0], end(s.validation), s.validation.min()
    return f"Validation cost went from {first:.3g} to {last:.3g}, the lowest being {lowest:.3g}."


def _ends_at(s: Shape) -> str:
    return f"validation cost ends at {end(s.validation):.3g}"


# A label is not given where this holds, whatever its points.
NEVER: dict[str, Callable[[Shape], bool]] = {
    "rate too low": lambda s: s.slope < 0.00005 or s.roughness > 0.01,
    "overfitting": lambda s: s.overshoot < 1.1,
    "plateau needing decay": lambda s: s.roughness < 0.01 and not s.validation_roughness >= 0.02,
    "underfitting": lambda s: s.gap >= 1.5 or s.end_training_accuracy >= NEARLY,
    HEALTHY: lambda s: s.overshoot > 1.15,
}


EVIDENCE: dict[str, Callable[[Shape], str]] = {
    "rate too low": _creeps,
    "bad initialisation": _begins_badly,
    "overfitting": _turned,
    "rate too high": _bounces,
    "plateau needing decay": _up_and_down,
    "train longer": _falls,
    "underfitting": _no_gap,
    HEALTHY: _no_fault,
}
