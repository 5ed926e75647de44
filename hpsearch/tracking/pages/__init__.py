"""Pages of a study in MLflow: note, tables and links."""

from hpsearch.tracking.pages.page import Page
from hpsearch.tracking.pages.publisher import Publisher

__all__ = [
    "Page",
    "Publisher",
]
