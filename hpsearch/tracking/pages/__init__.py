"""Pages that people read in MLflow: notes, tables, links and advice."""

from hpsearch.tracking.pages.page import Page
from hpsearch.tracking.pages.publisher import Pages

__all__ = [
    "Page",
    "Pages",
]
