"""The store: where the MLflow record is, as a database file or a server."""

from hpsearch.tracking.store.client import PAGE, children, exists, is_rejected, reason, reraised_as_tracking_error, search
from hpsearch.tracking.store.names import digest, experiment_name, key, list_numbers, pack_text, slug, unpack_text
from hpsearch.tracking.store.project import project_root, store_root
from hpsearch.tracking.store.server import Server, serve
from hpsearch.tracking.store.store import Store

__all__ = [
    "PAGE",
    "Server",
    "Store",
    "children",
    "digest",
    "exists",
    "experiment_name",
    "is_rejected",
    "key",
    "list_numbers",
    "pack_text",
    "project_root",
    "reason",
    "reraised_as_tracking_error",
    "search",
    "serve",
    "slug",
    "store_root",
    "unpack_text",
]
