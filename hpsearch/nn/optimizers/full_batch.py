"""Full-batch optimisers, which use all training rows for each step: L-BFGS, conjugate gradients and Newton, through SciPy.

An epoch is one iteration of the method, which may evaluate cost and gradient several times. A line search finds every step, so
there is no learning rate. What is minimised is the mean cost with its L2 penalty, in float64 whatever
the network's dtype: differences of float32 costs would end a line search early. The network is set to every iterate.

Their memory is inside SciPy and cannot be saved. A checkpoint holds the first weights and the number of iterations done; a
resumed training repeats those iterations, which gives the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hpsearch.errors import Diverged, SettingError, must_be
from hpsearch.nn.arrays import Array
from hpsearch.nn.network import Network
from hpsearch.nn.optimizers.iterates import Iterates, Report
from hpsearch.nn.rows import check_finite
from hpsearch.nn.settings import Template, number, setting, whole

# Rows whose cost and gradient are computed at a time.
_CHUNK = 1000
_TOLERANCE = number(0.0, open_low=True, advice="1e-5 is usual; the method ends by itself where it is reached.")
# Without end: the epochs of the training are the limit.
_NO_LIMIT = 10**9


class _FullBatch(Template):
    """Base of the rules below: no momentum, and the same start."""

    takes_momentum: ClassVar[bool] = False
    method: ClassVar[str]

    def options(self) -> dict[str, Any]:
        """Return the options for scipy.optimize.minimize."""
        raise NotImplementedError

    def start(self, network: Network, decay: float, pull: float, momentum: float) -> FullBatchSteps:
        """Return the method for a network; ``decay`` is its share of each weight, ``pull`` and ``momentum`` are 0."""
        return FullBatchSteps(network, decay, self)


@dataclass(frozen=True)
class LBFGS(_FullBatch):
    """Quasi-Newton steps from the last few gradients.

    Args:
        memory: how many pairs of steps and gradients are kept; 10 are usual.
        tolerance: ends where no element of the gradient is larger.
    Source: Byrd, Lu, Nocedal and Zhu (1995), A limited memory algorithm for bound constrained optimization; Nielsen, Neural
    Networks and Deep Learning, ch. 3, names it among the alternatives to gradient descent.
    """

    method: ClassVar[str] = "L-BFGS-B"

    memory: int = setting(whole(1, "10 are usual."), default=10)
    tolerance: float = setting(_TOLERANCE, default=1e-5)

    def options(self) -> dict[str, Any]:
        return {"maxcor": self.memory, "gtol": self.tolerance, "ftol": 0.0, "maxfun": _NO_LIMIT}


@dataclass(frozen=True)
class CG(_FullBatch):
    """Conjugate gradients, nonlinear, after Polak and Ribiere.

    Args:
        tolerance: ends where no element of the gradient is larger.
    Source: Nocedal and Wright (2006), Numerical optimization, section 5.2.
    """

    method: ClassVar[str] = "CG"

    tolerance: float = setting(_TOLERANCE, default=1e-5)

    def options(self) -> dict[str, Any]:
        return {"gtol": self.tolerance}


@dataclass(frozen=True)
class NewtonCG(_FullBatch):
    """Newton's steps, whose linear system is solved by conjugate gradients: it needs products of the Hessian with vectors only.

    A product is a two-sided difference of gradients, so that no Hessian is ever stored. An iteration takes as many
    products as its system needs, two gradients each: its epochs are much more expensive than the others'.

    Args:
        tolerance: ends where a step moves the weights less than this on average.
    Source: Nocedal and Wright (2006), Numerical optimization, section 7.1; Nielsen, ch. 3, "Hessian technique".
    """

    method: ClassVar[str] = "Newton-CG"

    tolerance: float = setting(_TOLERANCE, default=1e-5)

    def options(self) -> dict[str, Any]:
        return {"xtol": self.tolerance}


FULL_BATCH: dict[str, LBFGS | CG | NewtonCG] = {"l-bfgs": LBFGS(), "cg": CG(), "newton-cg": NewtonCG()}


def is_full_batch(optimizer: object) -> bool:
    """Return whether an optimiser, a rule or its name, is one of these methods."""
    return isinstance(optimizer, _FullBatch) or (isinstance(optimizer, str) and optimizer in FULL_BATCH)


class FullBatchSteps:
    """The iterations of a method on one network.

    Args:
        network: set to each iterate.
        decay: lambda/n, see `hpsearch.nn.regularizers.L2.decay`.
        rule: which method.

    ``arrays`` hold the weights and biases it began with, the iterations done, and whether it has converged.
    """

    scale = 1.0

    def __init__(self, network: Network, decay: float, rule: _FullBatch) -> None:
        if getattr(network, "thinned", False):
            advice = "The cost must be the same in every evaluation."
            raise SettingError(must_be("A network to train by a full-batch method", "without Dropout", network, advice))
        if network.statistics:
            advice = "Its statistics are those of mini-batches."
            raise SettingError(must_be("A network to train by a full-batch method", "without BatchNorm", network, advice))
        self._network, self._decay, self._rule = network, decay, rule
        self._decaying = _slices(network, ())
        self._start, self._progress = _flat(network).astype(np.float64), np.zeros(2)
        self.arrays = {"full_batch_start": self._start, "full_batch_progress": self._progress}
        self._iterates, self._begun, self._done = Iterates(lambda report: None), np.empty(0), -1

    def penalise(self, biases: Sequence[int]) -> None:
        """Let the penalty be that of some of the biases too, by their numbers; before the first iteration."""
        self._decaying = _slices(self._network, biases)

    @property
    def converged(self) -> bool:
        """Whether the method has converged, so that further epochs would change nothing."""
        return bool(self._progress[1])

    def iterate(self, x: Array, targets: Array, weights: Array | None = None) -> float:
        """Run one iteration over all training rows; return the mean cost after it, without the penalty.

        Raises:
            Diverged: where the cost is not finite.
        """
        if self._done != self._progress[0] or not np.array_equal(self._begun, self._start):
            self._catch_up(x, targets, weights)
        self._progress[0] += 1
        self._done += 1
        found = next(self._iterates, None)
        if found is None:
            self._progress[1] = 1.0
            cost = self._network.score(x, targets, weights).cost
        else:
            _set(self._network, found.x)
            cost = found.value - _penalty(self._decay, found.x, self._decaying)
        if not np.isfinite(cost):
            check_finite(x)
            raise Diverged(f"Training diverged in epoch {self._done}: the cost is not finite. Scale the inputs.")
        return cost

    def fold(self) -> None:
        """Do nothing: the stored weights are the true ones."""

    def step(self, *_: object) -> None:
        """Raise: there are no steps along a mini-batch."""
        raise NotImplementedError("A full-batch method iterates over all rows.")

    def _catch_up(self, x: Array, targets: Array, weights: Array | None) -> None:
        """Start again and repeat the iterations done before."""
        from scipy import optimize  # half a second, which `import hpsearch` should not cost

        cost = _PenalisedCost(self._network.copy("float64"), self._decay, x, targets, weights, self._decaying)
        begun, method, options = self._start.copy(), self._rule.method, {**self._rule.options(), "maxiter": _NO_LIMIT}
        run: Any = optimize.minimize
        products = cost.product if method == "Newton-CG" else None  # the others do not use them

        def minimise(report: Report) -> None:
            run(cost, begun.copy(), method=method, jac=True, hessp=products, callback=report, options=options)

        self._iterates, self._begun, self._done = Iterates(minimise), begun, int(self._progress[0])
        for _ in range(self._done):
            next(self._iterates, None)


class _PenalisedCost:
    """Mean cost with L2 penalty and its gradient, by all weights and biases in one flat array."""

    def __init__(
        self,
        network: Network,
        decay: float,
        x: Array,
        targets: Array,
        weights: Array | None = None,
        decaying: list[slice] | None = None,
    ) -> None:
        self._network, self._decay, self._x, self._targets, self._weighting = network, decay, x, targets, weights
        self._decaying = _slices(network, ()) if decaying is None else decaying

    def __call__(self, flat: Array) -> tuple[float, Array]:
        _set(self._network, flat)
        cost, gradient = 0.0, np.zeros_like(flat)
        for start in range(0, len(self._x), _CHUNK):
            rows = slice(start, start + _CHUNK)
            counts = None if self._weighting is None else self._weighting[rows]
            found, weights, biases = self._network.cost_and_gradient(self._x[rows], self._targets[rows], sample_weights=counts)
            share = len(self._targets[rows]) / len(self._targets)
            cost += share * found
            gradient += share * np.concatenate([part.ravel() for part in (*weights, *biases)])
        for part in self._decaying:
            gradient[part] += self._decay * flat[part]
        return cost + _penalty(self._decay, flat, self._decaying), gradient

    def product(self, flat: Array, vector: Array) -> Array:
        """Return the Hessian times a vector, a two-sided difference of gradients."""
        length = float(np.linalg.norm(vector))
        if length == 0:
            return np.zeros_like(vector)
        # The cube root of the precision balances the error of the difference, which falls with step^2, and its rounding.
        step = np.finfo(np.float64).eps ** (1 / 3) * (1 + float(np.linalg.norm(flat))) / length
        difference: Array = self(flat + step * vector)[1] - self(flat - step * vector)[1]
        return difference / (2 * step)


def _penalty(decay: float, flat: Array, decaying: list[slice]) -> float:
    return sum(decay / 2 * float(flat[part] @ flat[part]) for part in decaying)


def _slices(network: Network, biases: Sequence[int]) -> list[slice]:
    """Return where the weights are in the flat array, and some of the biases."""
    weights = sum(w.size for w in network.weights)
    ends = [weights, *(weights + np.cumsum([b.size for b in network.biases])).tolist()]
    return [slice(0, weights), *(slice(ends[i], ends[i + 1]) for i in biases)]


def _flat(network: Network) -> Array:
    return np.concatenate([array.ravel() for array in (*network.weights, *network.biases)])


def _set(network: Network, flat: Array) -> None:
    arrays = [*network.weights, *network.biases]
    for array, part in zip(arrays, np.split(flat, np.cumsum([a.size for a in arrays])[:-1]), strict=True):
        np.copyto(array, part.reshape(array.shape), casting="same_kind")
