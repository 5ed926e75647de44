"""Reading learning curves: what is wrong with a training, by which numbers, and what to change.

The rules, in the order they are asked; the first that holds gives the label. All costs are relative, so that a cost in other
units is read alike. Names are those of `hpsearch.analysis.curve_shape.Shape`.

    label                  rule                                                                                 source
    diverged               a cost is NaN or infinite, or ends at more than twice what the first epoch cost      [2]
    decayed too early      the rate fell by 30 % or more at once after 3 epochs or fewer, or in the first
                           fifth of them while cost was still falling by 1 % an epoch                           [1]
    rate too low           from 10 epochs on: cost falls all the time in tiny even steps (roughness < .004,
                           rises < .0001), fall < .85, and there is no gap (< 1.1)                              [1, 2]
    overfitting            validation cost ends 20 % above its lowest and 1.75 times above training cost        [1, 2]
    rate too high          cost stays the same in the second half, having fallen by less than half; began at 5
                           times guessing's cost or more and fell (> .85) without any gap (< 1.1), so without
                           learning; bounces (roughness > .018, rises > .004) and gets nowhere (fall < .01, or
                           accuracy stays within .03 of the first, and that below .7); bounces wildly
                           (validation roughness > .27 and rises > .004, rises > .043 without a gap (< 1.8), or
                           validation cost ends at 2.2 times its lowest and rises > .01)                        [2]
    bad initialisation     flat, then falling: from 20 epochs on, half of the accuracy comes after epoch 8 and a
                           fifth of all, and cost is still falling in the end (late > .11); or cost falls
                           smoothly and far (fall > .8, rises < .006) with a gap (1.1), and the first epoch cost
                           about as much as guessing or more (excess > .87), or half of the accuracy came in
                           epoch 4 or later, at a gap above 2 and an accuracy below .7                          [1, 2]
    plateau needing decay  from 10 epochs on, a rate that is never cut, and rough cost (roughness > .025, rises
                           > .006, or .01 where fall > .65) that does not fall much (late < .32, late validation
                           < .33, gap < 2.2), or rough validation cost (> .038) that stays 6 % above its lowest [1]
    train longer           late validation > .24; or late > .2, no gap (< 1.3) and accuracy below .8 (below 16
                           epochs: > .12, > .1); or what would be underfitting (below 16 epochs) or rate too low
                           (below 10)                                                                           [1]
    underfitting           accuracy below .8, and no gap (< 1.1; < 1.4 where excess > .72 and the rate is not cut;
                           < 1.6 where training cost has hardly fallen, < .45, and is flat, late < .06); or
                           accuracy below .92, no gap (< 1.1), cost hardly fallen (< .45) and flat (late < .1)  [1]
    healthy                none of these

Sources: [1] the course CS231n, Stanford, "Neural Networks 3": reading curves; [2] Nielsen, Neural Networks and Deep Learning,
ch. 3: the threshold of the learning rate, overfitting. The thresholds were set on labelled curves; `studies/README.md` has what
the rules are worth on others, and what they cannot tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from hpsearch.analysis.curve_shape import Points, Shape, end, shape
from hpsearch.trial import Status, Trial

# With fewer epochs nothing but divergence is told.
FEWEST = 4
# With an accuracy as high as this, no gap is no fault.
GOOD = 0.8
# Shorter trainings are told to go on before they are called too slow, or too small.
SLOW, SMALL = 10, 16
HEALTHY = "healthy"

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
# What may be true beside the label.
BESIDE = {
    "rate too low": ("train longer",),
    "decayed too early": ("train longer",),
    "bad initialisation": ("overfitting", "train longer"),
}


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a training.

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
    chance: float | None = None,
    diverged: bool = False,
) -> Diagnosis:
    """Return what the curves of a training say is wrong with it; never raises, whatever the numbers are.

    Args:
        history: curves by name, (epoch, value) pairs, as in ``outcome.history``: training_cost (or full_training_cost),
            validation_cost (or validation_error), validation_accuracy, learning_rate. What is missing is done without; without
            a validation curve only some of the labels can be told.
        schedule: the learning rate of each epoch, where the history has no learning_rate.
        chance: accuracy of guessing; None takes the accuracy of the first epoch for it.
        diverged: the training ended because numbers were no longer finite, which its curves need not show.

    >>> print(diagnose({"training_cost": [(1, 0.7), (2, float("nan"))]}).evidence)
    A cost is not finite, in epoch 2.
    """
    with np.errstate(all="ignore"):  # what is not a number answers False to every question below
        return _read(shape(history, schedule, chance), diverged)


def of_trial(trial: Trial) -> Diagnosis | None:
    """Return the diagnosis of a trial; None where it has no curve that is read here."""
    history = {} if trial.outcome is None else trial.outcome.history
    diverged = trial.status is Status.DIVERGED
    if not shape(history).epochs and not (diverged and history):
        return None
    return diagnose(history, diverged=diverged)


def label_of(trial: Trial) -> str | None:
    """Return the label of a trial's diagnosis, with what else holds: ``"rate too low, train longer"``; or None."""
    found = of_trial(trial)
    return None if found is None or found.label is None else ", ".join((found.label, *found.also))


def _read(s: Shape, diverged: bool) -> Diagnosis:
    lost = _not_finite(s) or ("Training ended because numbers were no longer finite." if diverged else None)
    if lost:
        return Diagnosis("diverged", lost, ADVICE["diverged"])
    if s.epochs < FEWEST:
        return Diagnosis(None, f"There are costs of {s.epochs} epochs, and it takes {FEWEST}.", "Give more epochs.")
    said = {label: evidence for label, rule in RULES.items() if (evidence := rule(s))}
    if not said:
        return Diagnosis(None, "There is no validation curve, and training cost shows no fault.", "Record a validation curve.")
    label = next(iter(said))
    return Diagnosis(label, said[label], ADVICE[label], tuple(name for name in BESIDE.get(label, ()) if name in said))


def _not_finite(s: Shape) -> str | None:
    for curve in (s.training, s.validation):
        if not np.isfinite(curve).all():
            return f"A cost is not finite, in epoch {int(np.argmin(np.isfinite(curve))) + 1}."
    return None


def _exploded(s: Shape) -> str | None:
    return f"Cost rose from {s.costs[0]:.3g} to {end(s.costs):.3g}." if s.fall < -1 and not s.gap >= 3 else None


def _cut_early(s: Shape) -> str | None:
    cut = s.first_cut
    if not 0 < cut <= max(3, s.epochs // 5) or (cut > 3 and s.costs[cut - 1] > 0.99 * s.costs[cut - 2]):
        return None
    before, after = s.rates[cut - 1], s.rates[cut]
    rest = f"cost then went from {s.costs[min(cut, s.epochs) - 1]:.3g} to {end(s.costs):.3g}"
    return f"The rate was cut from {before:.3g} to {after:.3g} after {cut} of {s.epochs} epochs; {rest}."


def _crawls(s: Shape) -> str | None:
    return _even_steps(s) if s.epochs >= SLOW else None


def _even_steps(s: Shape) -> str | None:
    even = s.roughness < 0.004 and s.rises < 0.0001 and s.late > 0.0003 and s.slope > 0
    if not even or s.still or s.fall >= 0.85 or not s.gap < 1.1 or s.overshoot >= 1.05:
        return None
    return f"Cost crept evenly from {s.costs[0]:.3g} to {s.costs[-1]:.3g} in {s.epochs} epochs, {s.slope:.2%} an epoch at last."


def _starts_late(s: Shape) -> str | None:
    if s.fall > 0.8 and s.rises < 0.006 and not s.gap < 1.1:
        if s.excess > 0.87:
            return (
                f"Validation cost of the first epoch was {s.validation[0]:.3g}, about {s.excess:.1f} times what guessing costs."
            )
        if s.gap > 2 and s.halfway >= 4 and s.end_accuracy < 0.7:
            return f"Half of what was learnt came after epoch {s.halfway}, and validation cost ends {s.gap:.1f} times as high."
    late = s.epochs >= 20 and s.halfway >= max(8, 0.2 * s.epochs) and s.lowest >= 1.2 * s.halfway
    if not late or s.fall <= 0.1 or s.late <= 0.11:
        return None
    return f"Half of what was learnt came after epoch {s.halfway} of {s.epochs}, and cost is still falling after that."


def _turned(s: Shape) -> str | None:
    if not (s.overshoot > 1.2 and s.gap > 1.75 and s.fall > 0.5):
        return None
    numbers = f"Validation cost was lowest ({s.validation.min():.3g}) in epoch {s.lowest} and ends at {end(s.validation):.3g}"
    return f"{numbers}, while training cost ends at {end(s.training):.3g}."


def _bounces(s: Shape) -> str | None:
    if s.still and not s.fall >= 0.5:
        return f"Nothing moves: cost stays at {s.costs[-1]:.3g} in the second half."
    if s.excess > 5 and s.fall > 0.85 and s.gap < 1.1:
        return f"Cost began about {s.excess:.1f} times above guessing, and nothing was learnt: it ends at {end(s.costs):.3g}."
    guesses = s.chance < 0.7 and s.best_accuracy < s.chance + 0.03
    nowhere = s.roughness > 0.018 and s.rises > 0.004 and (s.fall < 0.01 or guesses)
    wild = (s.validation_roughness > 0.27 and s.rises > 0.004) or (s.overshoot > 2.2 and s.rises > 0.01)
    if not nowhere and not wild and not (s.rises > 0.043 and s.gap < 1.8):
        return None
    return f"Cost bounces (rises of {s.rises:.1%} an epoch on average) and ends at {end(s.costs):.3g} from {s.costs[0]:.3g}."


def _rough_and_flat(s: Shape) -> str | None:
    if s.first_cut or s.epochs < SLOW or (s.end_accuracy >= GOOD and _flat_and_high(s)):
        return None
    rough = s.rises > 0.006 and s.roughness > 0.025 and not (s.rises < 0.01 and s.fall > 0.65)
    if rough and s.late < 0.32 and not s.late_validation >= 0.33 and not s.gap >= 2.2:
        return (
            f"At a constant rate cost goes up and down around {end(s.costs):.3g} (rises of {s.rises:.1%} an epoch on average)."
        )
    if s.overshoot > 1.06 and s.validation_roughness > 0.038 and s.late_validation < 0.1:
        return f"Validation cost goes up and down around {end(s.validation):.3g}, above its lowest ({s.validation.min():.3g})."
    return None


def _falls(s: Shape) -> str | None:
    short = s.epochs < SMALL
    open_end = s.late > (0.1 if short else 0.2) and s.gap < 1.3 and s.late_validation > -0.1 and not s.end_accuracy >= GOOD
    if open_end or s.late_validation > (0.12 if short else 0.24):
        what, share = ("Training", s.late) if open_end else ("Validation", s.late_validation)
        return f"{what} cost would fall by {share:.0%} in half as many epochs more, at the pace of the last third."
    return (_even_steps(s) if s.epochs < SLOW else None) or (_flat_and_high(s) if s.epochs < SMALL else None)


def _no_gap(s: Shape) -> str | None:
    return _flat_and_high(s) if s.epochs >= SMALL else None


def _flat_and_high(s: Shape) -> str | None:
    narrow = s.gap < 1.1 or (s.gap < 1.4 and not s.excess <= 0.72 and s.first_cut == 0)
    stuck = s.gap < 1.6 and s.fall < 0.45 and s.late < 0.06 and s.late_validation < 0
    flat = s.gap < 1.1 and s.fall < 0.45 and s.late < 0.1 and s.end_accuracy < 0.92
    if not flat and (s.end_accuracy >= GOOD or not (narrow or stuck)):
        return None
    return f"Training cost ends at {end(s.training):.3g} and validation cost hardly above it, at {end(s.validation):.3g}."


def _no_fault(s: Shape) -> str | None:
    if not len(s.validation):
        return None
    first, last, lowest = s.validation[0], end(s.validation), s.validation.min()
    return f"Validation cost went from {first:.3g} to {last:.3g}, the lowest being {lowest:.3g}."


RULES: dict[str, Callable[[Shape], str | None]] = {
    "diverged": _exploded,
    "decayed too early": _cut_early,
    "rate too low": _crawls,
    "overfitting": _turned,
    "rate too high": _bounces,
    "bad initialisation": _starts_late,
    "plateau needing decay": _rough_and_flat,
    "train longer": _falls,
    "underfitting": _no_gap,
    HEALTHY: _no_fault,
}
