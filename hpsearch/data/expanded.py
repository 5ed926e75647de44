"""Data augmentation by distorted copies of the training images, for models that cannot distort them while training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hpsearch.checks import integer
from hpsearch.data.dataset import Dataset
from hpsearch.data.part import Part
from hpsearch.errors import DataError, must_be
from hpsearch.nn.augment import AnyExpansion, check_expansion, expand


def expanded(dataset: Dataset, expansion: AnyExpansion, copies: int = 1, seed: int = 0) -> Dataset:
    """Return a data set whose training part is followed by distorted copies of it, each with the target of its row.

    `TrainNetwork(expansion=...)` needs no copies and trains on other images in every epoch; this is for support vector
    machines and the like. Validation and test part stay as they are. `CrossValidate` raises for such data: it would train on
    copies of the rows that it scores on.

    Args:
        dataset: of square images, one a row; for `Noise` of any rows of numbers.
        expansion: see `hpsearch.nn.augment`.
        copies: of every row, at least 1.
        seed: of the distortions.
    Raises:
        DataError: for a number of copies below 1.
        SettingError: if the rows are not square images, or ``expansion`` is not one.

    >>> from hpsearch.data import digits
    >>> from hpsearch.nn.augment import Affine
    >>> expanded(digits(), Affine(), copies=2)
    digits-expanded(train=3237, validation=359)
    """
    integer("copies", copies, 1, "Leave the expansion out for none.", error=DataError)
    check_expansion("expansion", expansion)
    if dataset.train.is_table:
        advice = "Leave the expansion out."
        raise DataError(must_be("The data set to expand", "one of images or numbers", f"the table {dataset.name!r}", advice))
    x, y = dataset.train.x, dataset.train.y
    rows = np.tile(x, (1 + copies, 1))
    expand(rows[len(x) :], expansion, np.random.default_rng(seed))
    soft = dataset.train.probabilities
    part = Part(rows, np.tile(y, 1 + copies), probabilities=None if soft is None else np.tile(soft, (1 + copies, 1)))
    return replace(dataset, name=f"{dataset.name}-expanded", train=part, expanded=True)
