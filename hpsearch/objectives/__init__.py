"""What a trial does: data and fixed settings go in, and params become an outcome."""

from hpsearch.objectives.network import TrainNetwork

__all__ = ["TrainNetwork"]
