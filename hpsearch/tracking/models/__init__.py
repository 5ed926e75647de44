"""Trained networks as MLflow models."""

from hpsearch.tracking.models.log import CODE as READER
from hpsearch.tracking.models.log import Place, keep, save

__all__ = ["READER", "Place", "keep", "save"]
