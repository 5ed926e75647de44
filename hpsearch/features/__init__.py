"""Features of images, as transformers for pipelines of scikit-learn, and for `hpsearch.data.mapped`."""

from hpsearch.features.colour_histogram import ColourHistogram
from hpsearch.features.images import ImageFeatures
from hpsearch.features.oriented_gradients import OrientedGradients

__all__ = ["ColourHistogram", "ImageFeatures", "OrientedGradients"]
