"""Pixels against features of images, by a linear classifier and the number of training images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.data import Dataset, arrays
from hpsearch.features import ColourHistogram, ImageFeatures, OrientedGradients
from hpsearch.features.images import Shape
from hpsearch.ports import Context, ObjectiveBase
from hpsearch.reproductions.experiment import Experiment, Load
from hpsearch.reproductions.figures import Lead
from hpsearch.reproductions.views import Along
from hpsearch.trial import Outcome, Params

SOURCE = "document E, after the notes of Stanford CS231n"
SIZES = (100, 300, 1000)
DIGITS, PATCHES = "MNIST", "patches of two pictures"
PIXELS, HISTOGRAM, GRADIENTS, BOTH = "pixels", "histogram", "gradients", "both"
NAMES = {
    PIXELS: "pixels",
    HISTOGRAM: "colour histogram",
    GRADIENTS: "oriented gradients (HOG)",
    BOTH: "HOG and colour histogram",
}
# Side of a patch in pixels, and the strengths of the decay that folds choose from.
_SIDE, _STRENGTHS, _FOLDS = 16, (0.1, 1.0, 10.0, 100.0), 3


def patches() -> Dataset:
    """Return 2,080 patches of 16 x 16 pixels in colour, cut side by side from the two pictures that scikit-learn ships.

    The class is the picture, a temple in China or a flower. Pixels are byte / 255; patches of one picture are neighbours, so
    that those held out are like those trained on.
    """
    from sklearn.datasets import load_sample_images

    rows = [_cut(picture) for picture in load_sample_images().images]
    x = np.concatenate(rows).astype(np.float32) / 255
    return arrays(x, np.repeat(["temple", "flower"], [len(one) for one in rows]), 1000, 0, name="patches")


def _cut(picture: NDArray[Any]) -> NDArray[Any]:
    down, across = picture.shape[0] // _SIDE, picture.shape[1] // _SIDE
    tiles = picture[: down * _SIDE, : across * _SIDE].reshape(down, _SIDE, across, _SIDE, 3)
    return np.asarray(tiles.transpose(0, 2, 1, 3, 4).reshape(down * across, -1))


@dataclass(frozen=True)
class CompareFeatures(ObjectiveBase):
    """Fit softmax regression on pixels and on features of the same images; the value is the error on HOG and histogram.

    Its decay is chosen by 3 folds of the training rows, for each kind of features and each size by itself.

    Args:
        digits: square grey images.
        patches: square images in colour.

    Curves, by number of training images: the accuracy in per cent on the validation rows of pixels, histogram, gradients and
    both. Metrics: gradients_100 and so on, by how many points each kind of features is ahead of pixels.
    """

    digits: Dataset
    patches: Dataset
    measure = "validation error on features"

    def __post_init__(self) -> None:
        OrientedGradients().check_settings()

    def shrunk(self) -> CompareFeatures:
        """Return the same on fewer rows."""
        return replace(self, digits=self.digits.at_most(100, 200), patches=self.patches.at_most(100, 200))

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Draw training rows for the trial's seed, and compare."""
        data, channels = (self.digits, 1) if params["images"] == DIGITS else (self.patches, 3)
        kinds, labels = self._kinds(data, channels), data.validation.y
        order = context.rng.permutation(len(data.train))
        held = {name: map_rows(kind, data.validation.x) for name, kind in kinds.items()}
        for size in SIZES:  # all rows where there are fewer
            rows = data.train.take(order[:size])
            scores = {name: 100 * accuracy(map_rows(kind, rows.x), rows.y, held[name], labels) for name, kind in kinds.items()}
            context.report(size, **scores)
        curves = {name: dict(curve) for name, curve in context.history.items()}
        metrics = {
            f"{name}_{size}": value - curves[PIXELS][size]
            for name, curve in curves.items()
            for size, value in curve.items()
            if name != PIXELS
        }
        return Outcome(1 - curves[BOTH][max(curves[BOTH])] / 100, metrics, context.history)

    @staticmethod
    def _kinds(data: Dataset, channels: int) -> Mapping[str, tuple[ImageFeatures, ...]]:
        side = isqrt(data.features // channels)
        shape: Shape = (side, side, channels)
        histogram = ColourHistogram(16, shape=shape, value_range=(0.0, 1.0))
        gradients = OrientedGradients(pixels_per_cell=side // 4, shape=shape)
        return {PIXELS: (), HISTOGRAM: (histogram,), GRADIENTS: (gradients,), BOTH: (gradients, histogram)}


def map_rows(kinds: tuple[ImageFeatures, ...], x: NDArray[Any]) -> NDArray[Any]:
    """Return the features of rows side by side; the rows themselves where there are none."""
    return np.hstack([one.fit_transform(x) for one in kinds]) if kinds else x


def accuracy(x: NDArray[Any], y: NDArray[Any], held: NDArray[Any], labels: NDArray[Any]) -> float:
    """Return the accuracy on held-out rows of softmax regression, whose decay folds of the training rows choose."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    model = LogisticRegression(max_iter=3000, tol=1e-3)
    search = GridSearchCV(model, {"C": _STRENGTHS}, cv=folds).fit(x, y)
    return float(np.mean(search.predict(held) == labels))


def _objective(load: Load) -> CompareFeatures:
    return CompareFeatures(load(), patches())


PIXELS_AND_FEATURES = Experiment(
    name="pixels-and-features",
    question="Do histograms of colours and of oriented gradients serve a linear classifier better than pixels?",
    claim="A colour histogram and oriented gradients are extracted, concatenated, and given to a linear classifier.",
    settings={DIGITS: {"images": DIGITS}, PATCHES: {"images": PATCHES}},
    objective=_objective,
    figures=[
        Lead(f"{NAMES[name]} over pixels, {where}, {size} images", f"{name}_{size}", where)
        for where in (DIGITS, PATCHES)
        for name in (HISTOGRAM, GRADIENTS, BOTH)
        for size in SIZES
    ],
    views=[
        Along(NAMES, DIGITS, "training images of MNIST", "accuracy on validation images (%)", dashed=(NAMES[BOTH],)),
        Along(
            NAMES, PATCHES, "training patches of two pictures in colour", "accuracy on other patches (%)", dashed=(NAMES[BOTH],)
        ),
    ],
    seeds=5,
    source=SOURCE,
    needs="skimage",
)
