"""First weights of a training from a trained network: its lower layers, with a new output layer where that must differ."""

from __future__ import annotations

from dataclasses import dataclass, is_dataclass
from typing import Any

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.network import Network
from hpsearch.nn.recipe import Recipe
from hpsearch.nn.saved_network import SavedNetwork, Source
from hpsearch.nn.settings import whole


@dataclass(frozen=True)
class Start:
    """The lower layers of a trained network, as the first weights of another one.

    Args:
        saved: the trained network: a single one, whose inputs are taken as they are.
        new_layers: so many layers from the top are new; None is 1 where the outputs stand for something else, otherwise 0.
        same_outputs: whether equally many outputs may stand for the same: not for numbers, whose units are their data's.
    Raises:
        SettingError: for an ensemble, or a network with encoded inputs.
    """

    saved: SavedNetwork
    new_layers: int | None = None
    same_outputs: bool = True

    def __post_init__(self) -> None:
        single_network("start", self.saved)
        if self.new_layers is not None:
            whole(0, "1 is the output layer.")("new_layers", self.new_layers)

    @classmethod
    def of(cls, source: Source | SavedNetwork | None, new_layers: int | None, same_outputs: bool) -> Start | None:
        """Return the start from a trained network, or None where there is none."""
        if source is not None:
            return cls(SavedNetwork.of("start", source), new_layers, same_outputs)
        if new_layers is not None:
            raise SettingError(must_be("new_layers", "left out without start", new_layers, "All layers are new then."))
        return None

    @property
    def network(self) -> Network:
        """The trained network."""
        return single_network("start", self.saved)

    def check_recipe(self, recipe: Recipe) -> None:
        """Raise for a training that begins with layers of another kind."""
        if recipe.batch_norm:
            advice = "A saved network has its normalisation folded into its weights."
            raise SettingError(must_be("batch_norm", "False with start", True, advice))

    def layers(self, sizes: tuple[int, ...], activation: Any) -> int:
        """Return how many layers, from the lowest up, begin as those of the trained network.

        Args:
            sizes: of the network to train, inputs first.
            activation: the function of its hidden units.
        Raises:
            SettingError: where they do not fit those of the trained network.
        """
        theirs, count = self.network, len(sizes) - 1
        same = self.same_outputs and sizes[-1] == theirs.sizes[-1]
        new = (0 if same else 1) if self.new_layers is None else self.new_layers
        if new > count:
            raise SettingError(must_be("new_layers", f"at most {count}, the number of layers", new, "1 is the output layer."))
        taken = count - new
        if taken:
            _check_fits(sizes, taken, theirs)
        ours, wanted = (one if is_dataclass(one) else one.name for one in (activation, theirs.activation))
        if taken and count > 1 and ours != wanted:
            advice = "Its hidden units were trained with it."
            raise SettingError(must_be("activation", f"{wanted!r}, as in the network of start", ours, advice))
        return taken

    def begin(self, network: Network) -> Network:
        """Return the network with its lower layers set to those of the trained one, in its own dtype."""
        theirs = self.network
        for i in range(self.layers(network.sizes, network.activation)):
            np.copyto(network.weights[i], theirs.weights[i], casting="same_kind")
            np.copyto(network.biases[i], theirs.biases[i], casting="same_kind")
        return network


def single_network(what: str, saved: SavedNetwork) -> Network:
    """Return the network, or raise for an ensemble and for one with encoded inputs."""
    network = saved.network
    if isinstance(network, Network):
        return network
    found = f"an ensemble of {len(network.networks)}" if isinstance(network, Ensemble) else "one with encoded inputs"
    advice = "Save one of its networks." if isinstance(network, Ensemble) else "Train it with standardize=False."
    raise SettingError(must_be(what, "a single network that takes rows as they are", found, advice))


def _check_fits(sizes: tuple[int, ...], taken: int, theirs: Network) -> None:
    """Raise where the lowest ``taken`` layers have another shape than those of a trained network."""
    hidden, wanted, whole = sizes[1:-1], theirs.sizes[1:-1], taken == len(sizes) - 1
    if sizes[0] != theirs.sizes[0]:
        advice = "Scale the rows to the same size, such as images to the same pixels."
        raise SettingError(must_be("Columns of the data", f"{theirs.sizes[0]}, as in the network of start", sizes[0], advice))
    if hidden[:taken] != wanted[:taken] or (whole and hidden != wanted) or (not whole and taken > len(wanted)):
        advice = "Layers above may differ where new_layers counts them."
        raise SettingError(must_be("hidden", f"{wanted}, as in the network of start", hidden, advice))
    if whole and sizes[-1] != theirs.sizes[-1]:
        advice = f"The data have {sizes[-1]} outputs, and the network of start has {theirs.sizes[-1]}."
        raise SettingError(must_be("new_layers", "left out, or at least 1", 0, advice))
