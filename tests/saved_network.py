"""The reader of saved networks, imported without MLflow's warnings about its own type hints."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from hpsearch.tracking.models.pyfunc_network import SavedNetwork

__all__ = ["SavedNetwork"]
