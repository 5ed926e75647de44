"""Trained networks as MLflow models."""

from hpsearch.tracking.models.log import CODE as READER
from hpsearch.tracking.models.log import CODE_OF_RECURRENT as READER_OF_RECURRENT
from hpsearch.tracking.models.log import Place, keep, save

__all__ = ["READER", "READER_OF_RECURRENT", "Place", "keep", "save"]
