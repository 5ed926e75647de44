"""Data set of features: the rows of another one, as a transformer of scikit-learn maps them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.checks import integer, text
from hpsearch.data.dataset import Dataset
from hpsearch.data.part import Part
from hpsearch.data.rows import read_rows
from hpsearch.data.vault import mapped_rows
from hpsearch.errors import DataError, InputError, must_be

_SEEDS = 2**31


def mapped(dataset: Dataset, transformer: Any, name: str | None = None, seed: int = 0) -> Dataset:
    """Return a data set whose rows are the features that a transformer makes of the rows of another one.

    A copy of the transformer is fitted on the training rows alone; validation rows and the sealed test part are mapped by it.
    Labels, weights and groups stay. `TrainNetwork` trains on such a data set; its network takes features, so map new rows by
    the same transformer, fitted on ``dataset.train.x``. To search settings of the transformer, put it into a pipeline for
    `TuneEstimator` instead: there every trial and every fold fits its own.

    Args:
        dataset: any data set; it is not changed.
        transformer: of scikit-learn, a `Pipeline` or `FeatureUnion` of them too; it is cloned, never fitted.
        name: of the new data set; ``"NAME-features"`` where left out.
        seed: of every ``random_state`` in the transformer.
    Raises:
        DataError: what is handed in transforms nothing or not these rows, or the features are no finite numbers.
        SettingError: of `hpsearch.features`, for images of another shape.

    >>> from sklearn.decomposition import PCA
    >>> from hpsearch.data import digits
    >>> mapped(digits(), PCA(n_components=16)).features
    16
    """
    from sklearn.base import clone

    if not isinstance(dataset, Dataset):
        raise DataError(must_be("What is mapped", "a data set", dataset, "Write it as in data.mapped(data.digits(), PCA(16))."))
    if isinstance(transformer, type) or not hasattr(transformer, "transform") or not hasattr(transformer, "get_params"):
        advice = "Write it as in PCA(16), or make_pipeline(...)."
        raise DataError(must_be("What maps a data set", "a transformer of scikit-learn", transformer, advice))
    integer("seed", seed, 0, "Leave it out for 0.", error=DataError)
    name = text("name", f"{dataset.name}-features" if name is None else name, "Give the data set a name.", error=DataError)
    fitted = _fit(clone(transformer), dataset, seed)

    def features(part: Part) -> Part:
        return replace(part, x=_transform(fitted, part.x, dataset))

    return replace(
        dataset,
        name=name,
        train=features(dataset.train),
        validation=features(dataset.validation),
        test=None if dataset.test is None else mapped_rows(dataset.test, name, features),
        unscaled=True,
    )


def _fit(transformer: Any, dataset: Dataset, seed: int) -> Any:
    rng, settings = np.random.default_rng(seed), transformer.get_params()
    random = sorted(name for name in settings if name.rpartition("__")[2] == "random_state")
    try:
        seeded = transformer.set_params(**{name: int(rng.integers(_SEEDS)) for name in random})
        return seeded.fit(dataset.train.x, dataset.train.y)
    except (TypeError, ValueError) as error:
        raise _cannot(dataset, error) from error


def _transform(fitted: Any, x: Any, dataset: Dataset) -> NDArray[Any]:
    try:
        found = fitted.transform(x)
    except (TypeError, ValueError) as error:
        raise _cannot(dataset, error) from error
    rows = read_rows(found.toarray() if hasattr(found, "toarray") else found)
    if len(rows) != len(x):
        raise _cannot(dataset, ValueError(f"{len(rows)} rows of {len(x)}"))
    return rows


def _cannot(dataset: Dataset, error: Exception) -> Exception:
    """Return what to raise: our own sentence as it is, one of scikit-learn within one of ours."""
    if isinstance(error, InputError):
        return error
    reason = " ".join(str(error).split())
    return DataError(
        must_be("The transformer", f"one that maps {dataset.name!r}", reason, "Change its settings, or the columns.")
    )
