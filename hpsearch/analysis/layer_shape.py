"""Measures of what was recorded of each layer, for the diagnosis: growth of weights and gradients, idle units; all relative."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Layers = tuple[Values, ...]
# Norms that are less are as good as 0, which has no logarithm.
_LEAST = 1e-12
_NAME = re.compile(r"(gradient_norm|weight_norm|saturated|dead)_(\d+)")


@dataclass(frozen=True)
class LayerShape:
    """The curves of the layers of one training, from the first layer on; empty where none were recorded.

    A measure that needs what was not recorded is NaN.
    """

    gradients: Layers = ()
    weights: Layers = ()
    saturated: Layers = ()
    dead: Layers = ()

    @property
    def measured(self) -> bool:
        """Whether the norms of the layers were recorded."""
        return bool(self.gradients and self.weights)

    @cached_property
    def first_weights_growth(self) -> float:
        """By how much the first layer's weights have grown, as a logarithm."""
        return _growth(self.weights[0]) if self.weights else np.nan

    @cached_property
    def last_weights_growth(self) -> float:
        """The same of the output layer."""
        return _growth(self.weights[-1]) if self.weights else np.nan

    @cached_property
    def late_weights_growth(self) -> float:
        """The same of the first layer in the last third."""
        return _growth(self.weights[0][2 * len(self.weights[0]) // 3 :]) if self.weights else np.nan

    @cached_property
    def gradient_growth(self) -> float:
        """By how much the first layer's gradient has grown, as a logarithm."""
        return _growth(self.gradients[0]) if self.gradients else np.nan

    @cached_property
    def gradient_ratio(self) -> float:
        """The first layer's gradient over that of the output layer in the end, as a logarithm."""
        ends = [max(float(norms[-1]), _LEAST) for norms in self.gradients]
        return float(np.log(ends[0] / ends[-1])) if ends else np.nan

    @cached_property
    def gradient_noise(self) -> float:
        """Standard deviation of the steps of the first layer's gradient in the second half, as logarithms."""
        half = self.gradients[0][len(self.gradients[0]) // 2 :] if self.gradients else np.empty(0)
        return float(np.diff(np.log(np.maximum(half, _LEAST))).std()) if len(half) > 2 else np.nan

    @cached_property
    def saturated_first(self) -> float:
        """The largest share of saturated outputs of a layer before training."""
        return max((float(shares[0]) for shares in self.saturated), default=np.nan)

    @cached_property
    def saturated_end(self) -> float:
        """The same in the end."""
        return max((float(shares[-1]) for shares in self.saturated), default=np.nan)

    @cached_property
    def dead_end(self) -> float:
        """The largest share of dead units of a layer in the end."""
        return max((float(shares[-1]) for shares in self.dead), default=np.nan)

    @cached_property
    def dead_first(self) -> float:
        """The share of dead units before training of the layer that has most in the end."""
        return float(max(self.dead, key=lambda shares: float(shares[-1]))[0]) if self.dead else np.nan


def layer_shape(history: Mapping[str, Sequence[tuple[int, float]]]) -> LayerShape:
    """Return the shape of the layers in a history."""
    found: dict[str, dict[int, Values]] = {}
    for name, points in history.items():
        if (match := _NAME.fullmatch(name)) and len(points):
            values = [value for _, value in sorted(points, key=lambda point: point[0])]
            found.setdefault(match[1], {})[int(match[2])] = np.array(values, np.float64)
    kinds = ("gradient_norm", "weight_norm", "saturated", "dead")
    return LayerShape(*(tuple(curve for _, curve in sorted(found.get(kind, {}).items())) for kind in kinds))


def _growth(norms: Values) -> float:
    return float(np.log(max(float(norms[-1]), _LEAST) / max(float(norms[0]), _LEAST)))
