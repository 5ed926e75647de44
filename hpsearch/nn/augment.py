"""Data augmentation: images rotated, skewed, shifted and bent, and rows of any kind made noisy, anew in every epoch.

An expansion is a frozen dataclass; its fields may hold ranges (see `hpsearch.nn.settings.Template`). Angles are in degrees,
lengths are shares of the image's side, so that a setting means the same on images of 8 and of 28 pixels a side. What lies
outside of an image is 0. Images are square, one a row, pixel after pixel.

    Affine      rotation by any angle, skew and translation
    Elastic     a smooth random field of displacements, on top of the same three
    Noise       normal noise added to every input, of images or any other rows
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import Array
from hpsearch.nn.settings import Template, number, refuse_open, setting

_ANGLE = number(0.0, 90.0, open_high=True, advice="It is the largest angle in degrees; 5 to 20 are usual, 0 is none.")
_TURN = number(0.0, 180.0, advice="It is the largest angle in degrees; 5 to 20 are usual, 180 is every angle, 0 is none.")
_SHARE = number(0.0, 1.0, advice="It is a share of the image's side; 0.05 is usual, 0 is none.")
_REACH = number(0.0, 1.0, open_low=True, advice="It is a share of the image's side; 1/7 is usual.")
# Images worked on at a time: their pixels and positions stay in the cache. On one core 100 are five times as fast as 1,000.
_BLOCK = 100


class Expansion(Protocol):
    """An expansion. It has no state and is passed its random numbers."""

    def draws(self, side: int) -> int:
        """Return how many random numbers one image takes."""
        ...

    def sources(self, drawn: Array, side: int) -> Array:
        """Return where each pixel of each image comes from.

        Args:
            drawn: uniform in [-1, 1), (n, draws).
            side: pixels a side.
        Returns:
            Row and column, in pixels from the centre of the first pixel, (2, n, side * side).
        """
        ...


@dataclass(frozen=True)
class Affine(Template):
    """Images turned, slanted and moved, each by amounts of its own.

    Args:
        rotation: largest angle, either way, in degrees, up to 180; uniform below it, like the others. The corners of an image
            that is turned by much lie outside of it, and are lost.
        skew: largest slant of upright lines, either way, in degrees.
        translation: largest shift along either axis, either way, as a share of the side; 1/14 is 2 of 28 pixels.
    Source: Simard, Steinkraus and Platt (2003), Best practices for convolutional neural networks, section 2.
    """

    rotation: float = setting(_TURN, default=10.0)
    skew: float = setting(_ANGLE, default=10.0)
    translation: float = setting(_SHARE, default=1 / 14)

    def draws(self, side: int) -> int:
        return 4

    def sources(self, drawn: Array, side: int) -> Array:
        turn, slant = np.radians(self.rotation) * drawn[:, 0], np.tan(np.radians(self.skew) * drawn[:, 1])
        moved = self.translation * side * drawn[:, 2:4] + (side - 1) / 2
        cos, sin = np.cos(turn), np.sin(turn)
        rows = [cos + slant * sin, sin, moved[:, 0]]
        columns = [slant * cos - sin, cos, moved[:, 1]]
        by = np.array([rows, columns], drawn.dtype).transpose(0, 2, 1).reshape(-1, 3)
        at: Array = np.matmul(by, _centred(side, drawn.dtype))
        return at.reshape(2, len(drawn), -1)


@dataclass(frozen=True)
class Elastic(Template):
    """Images bent: every pixel is displaced by a random field that a Gaussian has smoothed; on top of `Affine`'s changes.

    Args:
        strength: root mean square of the displacement along either axis, away from the edges, as a share of the side.
        smoothness: standard deviation of the Gaussian, as a share of the side.
        rotation: see `Affine`, like the next two.
        skew: largest slant, in degrees.
        translation: largest shift, as a share of the side.
    Source: Simard, Steinkraus and Platt (2003), section 2: a field uniform in [-1, 1), smoothed by sigma and multiplied by
        alpha. Their sigma = 4 and alpha = 34 on 28 pixels a side are a smoothness of 1/7 and a strength of 0.049.
    """

    strength: float = setting(_SHARE, default=0.05)
    smoothness: float = setting(_REACH, default=1 / 7)
    rotation: float = setting(_TURN, default=0.0)
    skew: float = setting(_ANGLE, default=0.0)
    translation: float = setting(_SHARE, default=0.0)

    def draws(self, side: int) -> int:
        return 4 + 2 * side * side

    def sources(self, drawn: Array, side: int) -> Array:
        found = Affine(self.rotation, self.skew, self.translation).sources(drawn[:, :4], side)
        smooth = _smoothing(side, self.smoothness * side, drawn.dtype)
        noise = drawn[:, 4:].reshape(-1, side)
        across = np.matmul(noise, smooth.T).reshape(-1, side, side)
        field = np.matmul(smooth, across).reshape(len(drawn), 2, -1)
        field *= self.strength * side
        found += field.transpose(1, 0, 2)
        return found


@dataclass(frozen=True)
class Noise(Template):
    """Rows with noise: every input gets a normal number of its own added, such as background noise in speech.

    Inputs may be anything: pixels, measurements, encoded categories. Numbers of different units need one scale, which
    `TrainNetwork` gives them by standardizing. For a small scale it acts as a penalty on the slopes of the outputs.

    Args:
        scale: standard deviation of the noise, in the units of the inputs; 0.1 is a usual start for standardized ones.
    Source: Bishop (1995), Training with noise is equivalent to Tikhonov regularization.

    >>> Noise(scale=0.2)
    Noise(scale=0.2)
    """

    scale: float = setting(number(0.0, advice="It is the standard deviation of the noise; 0.1 is usual."), default=0.1)

    def add(self, x: Array, rng: np.random.Generator) -> None:
        """Add noise to rows, (n, d), in place."""
        noise = rng.standard_normal(x.shape, dtype=np.float32)
        noise *= self.scale
        x += noise


AnyExpansion = Expansion | Noise


def expand(x: Array, expansion: AnyExpansion, rng: np.random.Generator) -> None:
    """Distort rows in place, each in its own way; the same generator gives the same rows, in however many calls.

    Args:
        x: one image a row, (n, side * side), or for `Noise` rows of any kind; C-contiguous, float32 or float64.
        expansion: how.
        rng: draws in the order of the rows.
    Raises:
        SettingError: if the rows are no square images.
    """
    if isinstance(expansion, Noise):
        expansion.add(x, rng)
        return
    side = side_of(x.shape[1])
    for start in range(0, len(x), _BLOCK):
        images = x[start : start + _BLOCK]
        drawn = rng.random((len(images), expansion.draws(side)), dtype=np.float32)
        drawn *= 2
        drawn -= 1
        _interpolate(images, expansion.sources(drawn, side), side)


def side_of(inputs: int) -> int:
    """Return the pixels a side of a square image.

    Raises:
        SettingError: if so many inputs are no square.

    >>> side_of(784)
    28
    """
    side = math.isqrt(inputs)
    if side * side != inputs:
        advice = "Leave the expansion out, or cut the images square."
        raise SettingError(must_be("Inputs that an expansion distorts", "those of a square image, such as 784", inputs, advice))
    return side


def check_inputs(expansion: object, inputs: int) -> None:
    """Raise where an expansion distorts images, and rows of so many inputs are none."""
    if moves_pixels(expansion):
        side_of(inputs)


def moves_pixels(expansion: object) -> bool:
    """Return whether there is an expansion that takes rows for images."""
    return expansion is not None and not isinstance(expansion, Noise)


def check_expansion(what: str, expansion: object) -> None:
    """Raise unless ``expansion`` is one without open ranges."""
    if isinstance(expansion, type) or not (hasattr(expansion, "sources") or isinstance(expansion, Noise)):
        advice = "Take Affine() or Elastic() for images, Noise() for any rows."
        raise SettingError(must_be(what, "an expansion or None", expansion, advice))
    refuse_open(what, expansion)


def _interpolate(images: Array, sources: Array, side: int) -> None:
    """Fill images (n, side * side) with what lies at their sources, (2, n, side * side), between four pixels each.

    The same as ``scipy.ndimage.map_coordinates(order=1, mode="grid-constant")`` image by image, at five times its speed.
    """
    wide = side + 3  # one pixel of 0 before an image and two behind it, so that whatever lies outside has four neighbours
    padded = np.zeros((len(images), wide, wide), images.dtype)
    padded[:, 1:-2, 1:-2] = images.reshape(-1, side, side)
    pixels = padded.reshape(-1)
    sources += 1
    np.clip(sources, 0, side + 1, sources)
    whole = sources.astype(np.int32)
    sources -= whole
    down, right = sources
    at = whole[0] * wide
    at += whole[1]
    at += np.arange(0, padded.size, wide * wide, dtype=np.int32)[:, None]
    upper = _between(pixels.take(at), pixels.take(at + 1), right)
    at += wide
    lower = _between(pixels.take(at), pixels.take(at + 1), right)
    images[:] = _between(upper, lower, down)


def _between(one: Array, other: Array, share: Array) -> Array:
    """Return one + share * (other - one), in the place of ``one``."""
    other -= one
    other *= share
    one += other
    return one


@lru_cache(maxsize=4)
def _centred(side: int, dtype: np.dtype) -> Array:
    """Return row and column of every pixel from the centre of the image, and ones, (3, side * side)."""
    rows, columns = np.indices((side, side)).reshape(2, -1) - (side - 1) / 2
    return np.array([rows, columns, np.ones_like(rows)], dtype)


@lru_cache(maxsize=64)
def _smoothing(side: int, sigma: float, dtype: np.dtype) -> Array:
    """Return the matrix that smooths along one axis, (side, side); along both it turns uniform noise into a field of size 1.

    A product with it is ``scipy.ndimage.gaussian_filter1d(mode="constant")``, for all images at once.
    """
    from scipy import ndimage  # imported late: few trainings have use for it

    matrix = ndimage.gaussian_filter1d(np.eye(side), sigma, mode="constant")
    # Uniform in [-1, 1) has a variance of 1/3, and smoothing leaves sum k^2 of it along each axis.
    kernel = ndimage.gaussian_filter1d(np.eye(1, 2 * math.ceil(4 * sigma) + 3, math.ceil(4 * sigma) + 1)[0], sigma)
    return np.asarray(matrix * math.sqrt(math.sqrt(3) / np.square(kernel).sum()), dtype)
