"""Colour histogram: the share of an image's pixels in each interval of brightness, channel by channel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.checks import integer, is_finite
from hpsearch.errors import SettingError, must_be
from hpsearch.features.images import ImageFeatures, Shape


class ColourHistogram(ImageFeatures):
    """Histogram of each colour channel, divided by the number of pixels, so that images of any size compare.

    h[c, b] = (pixels whose channel c lies in bin b) / pixels; the shares of a channel add up to 1. A grey image has one
    channel. The bins have equal widths. Values beyond the range count in the first or last bin.

    Args:
        bins: of each channel, at least 1.
        shape: (height, width) of grey images or (height, width, channels); None for square grey ones.
        value_range: lowest and highest value of a pixel, such as ``(0, 255)``; None takes those of the rows it is fitted on.
    Raises:
        SettingError: at ``fit``, and by `TuneEstimator` before the first trial, for settings that fit no image.

    Attributes:
        range_: lowest and highest value, known after ``fit``.
    Source: document E ("color histogram"); Swain and Ballard (1991), Color indexing, Int. J. of Computer Vision 7.

    >>> ColourHistogram(bins=2, value_range=(0, 1)).fit_transform([[0.1, 0.2, 0.3, 0.9]]).tolist()
    [[0.75, 0.25]]
    """

    def __init__(self, bins: int = 16, *, shape: Shape | None = None, value_range: tuple[float, float] | None = None) -> None:
        self.bins = bins
        self.shape = shape
        self.value_range = value_range

    def check_settings(self, prefix: str = "") -> None:
        """Raise SettingError for fewer than one bin, and for a range that is none."""
        integer(f"{prefix}bins", self.bins, 1, "Try 16.")
        ends = self.value_range
        if ends is None:
            return
        if not isinstance(ends, tuple) or len(ends) != 2 or not all(map(is_finite, ends)) or ends[0] >= ends[1]:
            advice = "Write it as in value_range=(0, 255)."
            raise SettingError(must_be(f"{prefix}value_range", "two numbers, the lower one first", ends, advice))

    def _learn(self, rows: NDArray[Any]) -> None:
        low, high = self.value_range or (float(rows.min()), float(rows.max()))
        self.range_ = (low, high if high > low else low + 1.0)  # all pixels alike lie in the first bin

    def _features(self, images: NDArray[Any]) -> NDArray[Any]:
        count, height, width, channels = images.shape
        inner = np.linspace(*self.range_, self.bins + 1)[1:-1]
        histograms = np.arange(count * channels).reshape(count, 1, 1, channels) * self.bins
        flat = np.searchsorted(inner, images, side="right") + histograms
        counts = np.bincount(flat.ravel(), minlength=count * channels * self.bins)
        shares: NDArray[Any] = counts.reshape(count, channels * self.bins) / (height * width)
        return shares.astype(images.dtype)
