"""The store: where the MLflow record is, as a database file or a server."""

from hpsearch.tracking.store.client import PAGE, children, exists, reason, refused, search, told
from hpsearch.tracking.store.names import digest, experiment_name, key, packed, slug, unpacked
from hpsearch.tracking.store.store import Store, project_root

__all__ = [
    "PAGE",
    "Store",
    "children",
    "digest",
    "exists",
    "experiment_name",
    "key",
    "packed",
    "project_root",
    "reason",
    "refused",
    "search",
    "slug",
    "told",
    "unpacked",
]
