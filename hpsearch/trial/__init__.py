"""Trials and their outcomes, the choice of the best setting, and values as people read them."""

from hpsearch.space import Params
from hpsearch.trial.formatting import duration, failures, params_line, shown
from hpsearch.trial.selection import Candidate, Rule, candidates, chances, check_rule, leaders, lowest, select
from hpsearch.trial.trial import CONFIRM, PREFLIGHT, Curve, Outcome, Status, Trial, best, root

__all__ = [
    "CONFIRM",
    "PREFLIGHT",
    "Candidate",
    "Curve",
    "Outcome",
    "Params",
    "Rule",
    "Status",
    "Trial",
    "best",
    "candidates",
    "chances",
    "check_rule",
    "duration",
    "failures",
    "leaders",
    "lowest",
    "params_line",
    "root",
    "select",
    "shown",
]
