"""The home page of a store: its studies at a glance, served by MLflow's server or written to a file."""

from hpsearch.tracking.home.overview import Overview, OverviewReader, RunningTrial
from hpsearch.tracking.home.rendering import render

__all__ = ["Overview", "OverviewReader", "RunningTrial", "render"]
