"""Histogram of oriented gradients (HOG): in which directions an image's brightness changes, cell by cell."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.checks import choice, integer
from hpsearch.errors import SettingError, must_be
from hpsearch.features.images import ImageFeatures, Shape

NORMS = ("L1", "L1-sqrt", "L2", "L2-Hys")


class OrientedGradients(ImageFeatures):
    """Histogram of oriented gradients, by scikit-image: ``pip install 'hpsearch[images]'``.

    Each cell of an image has a histogram of the directions of its gradients, weighted by their lengths. Cells are normalised in
    blocks that overlap; of several channels the one with the longest gradient counts at each pixel. The number of features is
    blocks * cells_per_block^2 * orientations. 0.1 to 0.3 ms an image of 28 x 28 pixels.

    Args:
        orientations: bins of the directions from 0 to 180 degrees.
        pixels_per_cell: side of a cell.
        cells_per_block: side of a block.
        block_norm: ``"L2-Hys"``, ``"L2"``, ``"L1"`` or ``"L1-sqrt"``, as of ``skimage.feature.hog``.
        shape: (height, width) of grey images or (height, width, channels); None for square grey ones.
    Raises:
        SettingError: at ``fit``, and by `TuneEstimator` before the first trial, for settings that fit no image, a block larger
            than the image, and where scikit-image is not installed.
    Source: document E ("histogram of oriented gradients"); Dalal and Triggs (2005), Histograms of oriented gradients for human
        detection, CVPR. Known value: 324 features of an image of 28 x 28 pixels with 7-pixel cells.
    """

    def __init__(
        self,
        orientations: int = 9,
        *,
        pixels_per_cell: int = 4,
        cells_per_block: int = 2,
        block_norm: str = "L2-Hys",
        shape: Shape | None = None,
    ) -> None:
        self.orientations = orientations
        self.pixels_per_cell = pixels_per_cell
        self.cells_per_block = cells_per_block
        self.block_norm = block_norm
        self.shape = shape

    def check_settings(self, prefix: str = "") -> None:
        """Raise SettingError for fewer than one orientation, pixel or cell, and where scikit-image is missing."""
        integer(f"{prefix}orientations", self.orientations, 1, "Try 9.")
        integer(f"{prefix}pixels_per_cell", self.pixels_per_cell, 1, "Try 4.")
        integer(f"{prefix}cells_per_block", self.cells_per_block, 1, "Try 2.")
        choice(f"{prefix}block_norm", self.block_norm, NORMS)
        if find_spec("skimage") is None:
            advice = "Run: pip install 'hpsearch[images]'."
            raise SettingError(f"OrientedGradients needs scikit-image, which is not installed. {advice}")

    def check_columns(self, columns: int, prefix: str = "") -> Shape:
        """Return (height, width, channels) of the images, none of which is smaller than a block."""
        shape = super().check_columns(columns, prefix)
        (height, width, _), cell = shape, self.pixels_per_cell
        size, advice = f"images of {height} x {width} pixels", "Take smaller cells or blocks, or give shape=."
        most = min(height, width) // cell
        if not most:
            raise SettingError(must_be(f"{prefix}pixels_per_cell", f"at most {min(height, width)} for {size}", cell, advice))
        if self.cells_per_block > most:
            constraint = f"at most {most} for {size} in cells of {cell}"
            raise SettingError(must_be(f"{prefix}cells_per_block", constraint, self.cells_per_block, advice))
        return shape

    def _features(self, images: NDArray[Any]) -> NDArray[Any]:
        from skimage.feature import hog

        grey = images.shape[-1] == 1
        found: NDArray[Any] = np.stack(
            [
                hog(
                    image[..., 0] if grey else image,
                    orientations=self.orientations,
                    pixels_per_cell=(self.pixels_per_cell,) * 2,
                    cells_per_block=(self.cells_per_block,) * 2,
                    block_norm=self.block_norm,
                    channel_axis=None if grey else -1,
                )
                for image in images
            ]
        )
        return found
