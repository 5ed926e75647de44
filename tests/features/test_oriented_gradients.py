"""Histograms of oriented gradients: against scikit-image's, against the formula written out, and what they refuse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hpsearch.errors import SettingError
from hpsearch.features import OrientedGradients

MISSING = "scikit-image is not installed (pip install 'hpsearch[images]')"
IMAGES = np.random.default_rng(1).random((4, 13, 11))


def cells(image: NDArray[Any], orientations: int, side: int) -> NDArray[Any]:
    """Return the histogram of each cell: centred differences, each pixel's length in the bin of its direction."""
    rows, columns = np.zeros_like(image), np.zeros_like(image)
    rows[1:-1] = image[2:] - image[:-2]
    columns[:, 1:-1] = image[:, 2:] - image[:, :-2]
    found = np.zeros((image.shape[0] // side, image.shape[1] // side, orientations))
    for r in range(found.shape[0] * side):
        for c in range(found.shape[1] * side):
            angle = math.degrees(math.atan2(rows[r, c], columns[r, c])) % 180
            found[r // side, c // side, int(angle * orientations / 180)] += math.hypot(rows[r, c], columns[r, c]) / side**2
    return found


@pytest.mark.parametrize(("orientations", "side", "block"), [(9, 4, 2), (7, 3, 1), (9, 5, 2)])
def test_is_the_formula_of_dalal_and_triggs(orientations: int, side: int, block: int) -> None:
    pytest.importorskip("skimage", reason=MISSING)
    gradients = OrientedGradients(orientations, pixels_per_cell=side, cells_per_block=block, block_norm="L2", shape=(13, 11))
    for image, row in zip(IMAGES, gradients.fit_transform(IMAGES.reshape(4, -1)), strict=True):
        histograms = cells(image, orientations, side)
        expected = []
        for r in range(histograms.shape[0] - block + 1):
            for c in range(histograms.shape[1] - block + 1):
                one = histograms[r : r + block, c : c + block].ravel()
                expected.append(one / math.sqrt((one**2).sum() + 1e-10))
        np.testing.assert_allclose(row, np.concatenate(expected), atol=1e-6)


@pytest.mark.parametrize("norm", ["L1", "L1-sqrt", "L2", "L2-Hys"])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_is_that_of_scikit_image(norm: str, channels: tuple[int, ...]) -> None:
    feature = pytest.importorskip("skimage.feature", reason=MISSING)
    images = np.random.default_rng(2).random((300, 12, 9, *channels))
    settings: dict[str, Any] = {"orientations": 6, "block_norm": norm}
    own = OrientedGradients(**settings, pixels_per_cell=3, cells_per_block=2, shape=(12, 9, *channels))
    found = own.fit_transform(images.reshape(300, -1))
    sides = {"pixels_per_cell": (3, 3), "cells_per_block": (2, 2), "channel_axis": -1 if channels else None}
    for image, row in zip(images[::37], found[::37], strict=True):
        np.testing.assert_allclose(row, feature.hog(image, **settings, **sides), atol=1e-6)


def test_square_grey_images_need_no_shape() -> None:
    pytest.importorskip("skimage", reason=MISSING)
    x = np.random.default_rng(0).random((2, 784)).astype(np.float32)
    found = OrientedGradients(pixels_per_cell=7).fit(x)
    assert found.shape_ == (28, 28, 1)
    assert found.transform(x).shape == (2, 324)
    assert len(found.get_feature_names_out()) == 324


@pytest.mark.parametrize(
    ("columns", "settings", "sentence"),
    [
        (
            783,
            {},
            r"columns of OrientedGradients must be that of a square grey image .*, got 783\. Pass shape=\(height, width\)",
        ),
        (784, {"orientations": 0}, "orientations must be a whole number >= 1, got 0"),
        (784, {"pixels_per_cell": 29}, "pixels_per_cell must be at most 28 for images of 28 x 28 pixels, got 29"),
        (
            784,
            {"pixels_per_cell": 8, "cells_per_block": 4},
            "cells_per_block must be at most 3 for images of .* in cells of 8, got 4",
        ),
        (784, {"block_norm": "L3"}, "block_norm must be one of 'L1', 'L1-sqrt', 'L2', 'L2-Hys', got 'L3'"),
        (784, {"shape": (28, 28, 3)}, r"shape must be the shape of rows of 784 columns, got \(28, 28, 3\)"),
    ],
)
def test_wrong_settings_are_refused(
    columns: int, settings: dict[str, Any], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpsearch.features.oriented_gradients.find_spec", lambda name: name)  # before it is needed
    with pytest.raises(SettingError, match=sentence):
        OrientedGradients(**settings).fit(np.ones((2, columns)))


def test_without_scikit_image_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpsearch.features.oriented_gradients.find_spec", lambda name: None)
    with pytest.raises(
        SettingError, match=r"needs scikit-image, which is not installed\. Run: pip install 'hpsearch\[images\]'"
    ):
        OrientedGradients().fit(np.ones((2, 784)))
