"""MLflow runs: what the run of a study and the run of a trial hold."""

from hpsearch.tracking.runs.catalog import StudySummary, TrialRow
from hpsearch.tracking.runs.deletion import delete_study
from hpsearch.tracking.runs.study_run import PARENTS, Children, read_children, sort_runs
from hpsearch.tracking.runs.trial_decoding import Lazy, decode, parse_params
from hpsearch.tracking.runs.trial_keys import BEST, SECONDS, axes, outcome_keys, run_name
from hpsearch.tracking.runs.trial_run import encode
from hpsearch.tracking.runs.writer import BestCurve, read_file, read_points, write_best, write_points, write_trial

__all__ = [
    "BEST",
    "PARENTS",
    "SECONDS",
    "BestCurve",
    "Children",
    "Lazy",
    "StudySummary",
    "TrialRow",
    "axes",
    "decode",
    "delete_study",
    "encode",
    "outcome_keys",
    "parse_params",
    "read_children",
    "read_file",
    "read_points",
    "run_name",
    "sort_runs",
    "write_best",
    "write_points",
    "write_trial",
]
