"""Long curves are thinned where they arise, so that a trial is the same in memory, in every store and after a resume."""

from __future__ import annotations

from dataclasses import replace

from hpsearch.trial import Curve, Trial

POINTS = 100


def thinned(trial: Trial) -> Trial:
    """Return the trial with at most `POINTS` points in each of its curves."""
    outcome = trial.outcome
    if outcome is None or all(len(curve) <= POINTS for curve in outcome.history.values()):
        return trial
    history = {name: thin(curve) for name, curve in outcome.history.items()}
    return replace(trial, outcome=replace(outcome, history=history))


def thin(curve: Curve) -> Curve:
    """Return every second point of a curve, or every fourth, eighth, ... until at most `POINTS` remain; and the last one.

    Powers of two, because then curves of different lengths have the points of the coarser one in common, step by step.

    >>> [step for step, _ in thin(tuple((step, 0.5) for step in range(1, 252)))][-3:]
    [245, 249, 251]
    """
    stride = 1
    while len(kept := curve[::stride]) + (kept[-1:] != curve[-1:]) > POINTS:
        stride *= 2
    return kept if kept[-1:] == curve[-1:] else (*kept, curve[-1])
