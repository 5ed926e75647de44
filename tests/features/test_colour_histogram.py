"""The colour histogram: against numpy.histogram, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from hpsearch.errors import SettingError
from hpsearch.features import ColourHistogram


@given(
    bins=st.integers(1, 20),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    channels=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_is_the_histogram_of_numpy_by_pixel(bins: int, height: int, width: int, channels: int, seed: int) -> None:
    images = np.random.default_rng(seed).uniform(0, 255, (5, height, width, channels))
    found = ColourHistogram(bins, shape=(height, width, channels), value_range=(0, 255)).fit_transform(images.reshape(5, -1))
    for image, row in zip(images, found.reshape(5, channels, bins), strict=True):
        for channel in range(channels):
            counts, _ = np.histogram(image[..., channel], bins, (0, 255))
            np.testing.assert_allclose(row[channel], counts / (height * width), atol=1e-12)


def test_images_of_two_sizes_compare() -> None:
    """The same picture, every pixel four times: the counts differ, the shares do not."""
    image = np.random.default_rng(0).random((6, 6))
    larger = image.repeat(2, axis=0).repeat(2, axis=1)
    found = [ColourHistogram(5, value_range=(0, 1)).fit_transform(one.reshape(1, -1)) for one in (image, larger)]
    np.testing.assert_allclose(found[0], found[1])


def test_whole_numbers_of_a_picture_and_both_ends() -> None:
    """0 and 255 lie in the first and the last of 256 bins, and so does what is beyond them."""
    found = ColourHistogram(256, value_range=(0, 255)).fit_transform([[0, 255, -3, 300]])
    assert found[0, 0] == found[0, 255] == 0.5


def test_the_range_is_that_of_the_rows_it_was_fitted_on() -> None:
    histogram = ColourHistogram(2).fit([[0.0, 1.0, 2.0, 10.0]])
    assert histogram.range_ == (0.0, 10.0)
    np.testing.assert_array_equal(histogram.transform([[4.0, 6.0, 90.0, -9.0]]), [[0.5, 0.5]])


def test_images_of_one_colour_have_a_histogram() -> None:
    np.testing.assert_array_equal(ColourHistogram(3).fit_transform(np.ones((2, 4))), [[1, 0, 0]] * 2)


def test_is_a_transformer_like_others() -> None:
    given_ = np.float32([[0.0, 0.5, 0.5, 1.0]] * 300)
    histogram = clone(ColourHistogram(bins=4)).set_params(bins=2)
    found = histogram.set_output(transform="pandas").fit_transform(given_)
    assert list(found.columns) == ["colourhistogram0", "colourhistogram1"]
    assert found.shape == (300, 2)
    assert set(found.dtypes) == {np.dtype("float32")}
    with pytest.raises(NotFittedError):
        ColourHistogram().transform(given_)
    with pytest.raises(ValueError, match="expecting 4 features"):
        histogram.transform(np.ones((1, 9)))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"bins": 0}, r"bins must be a whole number >= 1, got 0\. Try 16\."),
        ({"bins": 2.5}, r"bins must be a whole number >= 1, got 2\.5"),
        ({"value_range": (1, 0)}, r"value_range must be two numbers, the lower one first, got \(1, 0\)\. Write it as in"),
        ({"value_range": 255}, "value_range must be two numbers"),
        ({"shape": (2, 2)}, r"shape must be the shape of rows of 12 columns, got \(2, 2\)"),
        ({"shape": (2, 6.0)}, r"shape must be \(height, width\) or \(height, width, channels\), got \(2, 6\.0\)"),
        ({}, r"columns of ColourHistogram must be that of a square grey image where shape is left out, got 12\. Pass shape="),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        ColourHistogram(**settings).fit(np.ones((3, 12)))
