"""Delivery of finished trials to a store that may be slow or unavailable."""

from hpsearch.tracking.delivery.retry_queue import RetryQueue, read_waiting
from hpsearch.tracking.delivery.writer_thread import WriterThread

__all__ = ["RetryQueue", "WriterThread", "read_waiting"]
