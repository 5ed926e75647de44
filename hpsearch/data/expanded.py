"""A data set whose training images are there in distorted copies too, for models that cannot distort them on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hpsearch.checks import integer
from hpsearch.data.dataset import Dataset
from hpsearch.data.part import Part
from hpsearch.errors import DataError

if TYPE_CHECKING:
    from hpsearch.nn.augment import Expansion


def expanded(dataset: Dataset, expansion: Expansion, copies: int = 1, seed: int = 0) -> Dataset:
    """Return a data set whose training part is followed by distorted copies of it, each with the label of its row.

    `TrainNetwork(expansion=...)` needs no copies and shows other images in every epoch; this is for support vector machines
    and the like. Validation and test part stay what they are. It is refused by `CrossValidate`, which would learn from copies
    of the rows that it scores on.

    Args:
        dataset: of square images, one a row.
        expansion: see `hpsearch.nn.augment`.
        copies: of every row, at least 1.
        seed: of the distortions.
    Raises:
        DataError: for a number of copies below 1.
        SettingError: if the rows are no square images, or for what is no expansion.

    >>> from hpsearch.data import digits
    >>> from hpsearch.nn.augment import Affine
    >>> expanded(digits(), Affine(), copies=2)
    digits-expanded(train=3237, validation=359)
    """
    from hpsearch.nn.augment import check_expansion, expand  # imported late, as all of the network

    integer("copies", copies, 1, "Leave the expansion out for none.", error=DataError)
    check_expansion("expansion", expansion)
    x, y = dataset.train.x, dataset.train.y
    rows = np.tile(x, (1 + copies, 1))
    expand(rows[len(x) :], expansion, np.random.default_rng(seed))
    part = Part(rows, np.tile(y, 1 + copies))
    return replace(dataset, name=f"{dataset.name}-expanded", train=part, expanded=True)
