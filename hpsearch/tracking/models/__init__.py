"""Trained networks as MLflow models."""

from hpsearch.tracking.models.log import Place, keep, save

__all__ = ["Place", "keep", "save"]
