"""MLflow runs: what one run of a study or a trial holds."""

from hpsearch.tracking.runs.best_curve import BestCurve
from hpsearch.tracking.runs.catalog import StudySummary, TrialRow
from hpsearch.tracking.runs.study_run import PARENTS, Children, read_children, sorted_out
from hpsearch.tracking.runs.trial_run import BEST, SECONDS, axes, decode, outcome_keys, parsed, run_name
from hpsearch.tracking.runs.writer import read_curve, read_file, write_best, write_points, write_trial

__all__ = [
    "BEST",
    "PARENTS",
    "SECONDS",
    "BestCurve",
    "Children",
    "StudySummary",
    "TrialRow",
    "axes",
    "decode",
    "outcome_keys",
    "parsed",
    "read_children",
    "read_curve",
    "read_file",
    "run_name",
    "sorted_out",
    "write_best",
    "write_points",
    "write_trial",
]
