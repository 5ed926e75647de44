"""Delivery of finished trials to a store that may be slow or away."""

from hpsearch.tracking.delivery.retry_queue import Outbox, waiting
from hpsearch.tracking.delivery.writer_thread import Courier

__all__ = [
    "Courier",
    "Outbox",
    "waiting",
]
