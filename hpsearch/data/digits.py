"""The small digits that come with scikit-learn: no network, no files of our own."""

from __future__ import annotations

from hpsearch.data.arrays import arrays
from hpsearch.data.dataset import Dataset
from hpsearch.data.splits import Size


def digits(validation: Size = 0.2, test: Size = 0.2, seed: int = 0) -> Dataset:
    """Return scikit-learn's 1,797 handwritten digits of 8 x 8 pixels, grey value / 16 (float32 in [0, 1]).

    Args:
        validation: share of the rows (float) or number of rows (int).
        test: the same; 0 for none.
        seed: of the stratified split.
    Raises:
        DataError: for sizes that leave a part without some class.
    Source: UCI optical recognition of handwritten digits, test half, through ``sklearn.datasets.load_digits``.

    >>> digits()
    digits(train=1079, validation=359)
    """
    from sklearn.datasets import load_digits  # imported late, as everything of scikit-learn

    pixels, labels = load_digits(return_X_y=True)
    return arrays(pixels / 16, labels, validation, test, seed, name="digits")
