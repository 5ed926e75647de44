"""Features of a trained network as a scikit-learn transformer."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from hpsearch.errors import DataError, must_be
from hpsearch.nn.ensemble import members_of
from hpsearch.nn.network import check_layer
from hpsearch.nn.plain_data import AnyNetwork
from hpsearch.nn.saved_network import SavedNetwork, Source
from hpsearch.nn.table_network import TableNetwork


class NetworkFeatures(TransformerMixin, BaseEstimator):
    """Replace each row by the outputs of a hidden layer of a trained network, which is not trained further.

    In a pipeline of `hpsearch.objectives.TuneEstimator` it makes features for any classifier, and within a ``FeatureUnion`` it
    stands beside the old ones. Fitting learns nothing.

    Args:
        network: a trained network, or the path of its file. The file is read here and never again, so that a worker on another
            machine does not need it, and a study knows it by its content.
        layer: of the hidden layers, counted from 1.
    Raises:
        SettingError: for another kind of network; at ``fit`` for a layer that there is not.
        DataError: for a file that is missing, or holds no network; for rows of another width, by `TuneEstimator` before the
            first trial.
    Source: Donahue et al. (2014), DeCAF: a deep convolutional activation feature; Sharif Razavian et al. (2014), CNN features
    off-the-shelf.

    >>> from hpsearch.nn import Network
    >>> network = Network([np.eye(2), np.ones((2, 2))], [np.zeros(2), np.zeros(2)], "relu")
    >>> NetworkFeatures(network, layer=1).fit_transform([[1.0, -2.0]]).tolist()
    [[1.0, 0.0]]
    """

    # Declared, so that `TuneEstimator` checks the settings before the first trial.
    _parameter_constraints: dict[str, Any] = {}  # noqa: RUF012  (scikit-learn's name and kind)

    def __init__(self, network: Source | SavedNetwork, layer: int = 1) -> None:
        # scikit-learn stores arguments as they are; this one is read at once, and a clone is made from what was read.
        self.network = SavedNetwork.of("network", network)
        self.layer = layer

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the layer; return itself."""
        self._validate_params()
        self.n_features_in_ = np.shape(X)[1] if np.ndim(X) == 2 else len(X)
        return self

    def transform(self, X: Any) -> NDArray[Any]:
        """Return the features, (n, width), of rows X, (n, d), in the dtype of the network."""
        network = self._read()
        if isinstance(network, TableNetwork):
            return network.features(X, self.layer)
        rows = np.asarray(X)
        if rows.ndim == 2:
            self.check_columns(rows.shape[1])
        return network.features(rows, self.layer)

    def check_columns(self, columns: int, prefix: str = "") -> None:
        """Raise DataError unless the network takes rows of so many columns; ``prefix`` goes before the setting's name."""
        network = self._read()
        if not isinstance(network, TableNetwork) and columns != network.sizes[0]:
            advice = "Scale the rows to the same size, such as images to the same pixels."
            raise DataError(must_be("Columns of the data", f"{network.sizes[0]}, as in {prefix}network", columns, advice))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return a name for each feature: ``layer1_unit0`` and so on; those of an ensemble's members follow each other."""
        self._validate_params()
        network = self._read()
        inner = network.network if isinstance(network, TableNetwork) else network
        width = sum(member.sizes[self.layer] for member in members_of(inner))
        return np.array([f"layer{self.layer}_unit{i}" for i in range(width)], object)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def _validate_params(self) -> None:
        check_layer(self.layer, self._read().sizes)

    def _read(self) -> AnyNetwork:
        # What `set_params` gave may still be a path.
        return SavedNetwork.of("network", self.network).network
