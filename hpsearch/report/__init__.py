"""The report of a study: one HTML page, its pictures and the table of all trials."""

from hpsearch.report.report import draw_all, files, headline, report, trials_csv

__all__ = [
    "draw_all",
    "files",
    "headline",
    "report",
    "trials_csv",
]
