"""Trials and their outcomes, selection of the best setting, and texts for people."""

from hpsearch.space import Params
from hpsearch.trial.formatting import duration, exact_params, flip_sign, format_spread, format_value, params_line
from hpsearch.trial.selection import Candidate, Rule, candidates, chances, check_rule, lowest, rank_candidates, select
from hpsearch.trial.step_units import EPOCH, IMAGES, ITERATION, Times, seconds_of, step_unit
from hpsearch.trial.trial import CONFIRM, GIVEN, PREFLIGHT, Curve, Outcome, Status, Trial, best, root

__all__ = [
    "CONFIRM",
    "EPOCH",
    "GIVEN",
    "IMAGES",
    "ITERATION",
    "PREFLIGHT",
    "Candidate",
    "Curve",
    "Outcome",
    "Params",
    "Rule",
    "Status",
    "Times",
    "Trial",
    "best",
    "candidates",
    "chances",
    "check_rule",
    "duration",
    "exact_params",
    "flip_sign",
    "format_spread",
    "format_value",
    "lowest",
    "params_line",
    "rank_candidates",
    "root",
    "seconds_of",
    "select",
    "step_unit",
]
