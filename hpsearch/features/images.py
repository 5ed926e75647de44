"""What all features of images have in common: the shape of an image in a row, and checks before the first fit."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from hpsearch.checks import is_integer
from hpsearch.errors import SettingError, must_be

# Height and width, and the number of channels where there are several.
Shape = tuple[int, ...]
# Images that are read at once: few enough to stay in the cache, many enough for the calls to cost nothing.
_AT_ONCE = 256


class ImageFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A transformer from images, one a row, to features.

    A subclass has a setting ``shape``, `check_settings` and `_features`. Rows are images pixel after pixel, line by line; of
    several channels the values of a pixel stand together, as ``image.reshape(-1)`` leaves them.

    Attributes:
        shape_: (height, width, channels) of an image, known after ``fit``.
        n_features_in_: number of columns that it was fitted on.
    """

    shape: Shape | None

    @abstractmethod
    def check_settings(self, prefix: str = "") -> None:
        """Raise SettingError for settings that fit no image; ``prefix`` goes before their names."""

    def check_columns(self, columns: int, prefix: str = "") -> Shape:
        """Return (height, width, channels) of the images in rows of so many columns.

        Args:
            columns: of each row.
            prefix: of the names of settings in sentences, such as ``"hog__"``.
        Raises:
            SettingError: the rows are no images of that shape; or, where there is none, no square ones.
        """
        self.check_settings(prefix)
        name, shape = type(self).__name__, self.shape
        if shape is None:
            side = math.isqrt(columns)
            if side * side != columns:
                advice = f"Pass {prefix}shape=(height, width), or (height, width, 3) for colours."
                what, constraint = f"The number of columns of {name}", "that of a square grey image where shape is left out"
                raise SettingError(must_be(what, constraint, columns, advice))
            return side, side, 1
        if not isinstance(shape, tuple) or len(shape) not in (2, 3) or not all(is_integer(n) and n >= 1 for n in shape):
            advice = "Write it as in shape=(32, 32, 3)."
            raise SettingError(must_be(f"{prefix}shape", "(height, width) or (height, width, channels)", shape, advice))
        if math.prod(shape) != columns:
            advice = "Give height, width and channels of one image, whose product is the number of columns."
            raise SettingError(must_be(f"{prefix}shape", f"the shape of rows of {columns} columns", shape, advice))
        return (*shape, 1)[:3]

    def fit(self, X: Any, y: Any = None) -> ImageFeatures:
        """Check settings and rows (n, height * width * channels); return self."""
        rows = validate_data(self, X, dtype=(np.float64, np.float32))
        self.shape_ = self.check_columns(rows.shape[1])
        self._learn(rows)
        return self

    def transform(self, X: Any) -> NDArray[Any]:
        """Return the features of each row, (n, features)."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        parts = [self._features(rows[i : i + _AT_ONCE].reshape(-1, *self.shape_)) for i in range(0, len(rows), _AT_ONCE)]
        found: NDArray[Any] = np.concatenate(parts)
        return found

    def _learn(self, rows: NDArray[Any]) -> None:
        """Keep what is to be known of the rows that it is fitted on."""

    @abstractmethod
    def _features(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return the features of images (n, height, width, channels), (n, features)."""

    @property
    def _n_features_out(self) -> int:
        return int(self._features(np.zeros((1, *self.shape_))).shape[1])
