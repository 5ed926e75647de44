"""The report of a study, and the findings and confidence it states."""

from hpsearch.report.confidence import optimism_seen
from hpsearch.report.report import draw_all, files, headline, report, trials_csv

__all__ = [
    "draw_all",
    "files",
    "headline",
    "optimism_seen",
    "report",
    "trials_csv",
]
