"""The network of fully connected layers: weights, outputs, cost and gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Self

import numpy as np

from hpsearch.checks import integer
from hpsearch.errors import SettingError, must_be
from hpsearch.nn.activations import ACTIVATIONS, Activation, check_activation, pieces_of
from hpsearch.nn.arrays import DTYPES, Array, Labels, known
from hpsearch.nn.costs import COSTS, Cost, encode_rows
from hpsearch.nn.initializers import Initializer, check_init, draw
from hpsearch.nn.layers.loss import Loss
from hpsearch.nn.passes.backprop import Backprop, Gradient, Minibatch
from hpsearch.nn.passes.dropout import Rates, ThinnedBackprop
from hpsearch.nn.passes.layered import LayerPasses, layers_of
from hpsearch.nn.prediction import Predictor
from hpsearch.nn.prediction import Score as Score
from hpsearch.nn.regularizers import L1, L2

WHOLE = Rates(0.0, 0.0)


def fixed_generator() -> np.random.Generator:
    return np.random.default_rng(0)


@dataclass
class Network(Predictor):
    """Weights and biases of every layer, the activation of the hidden layers, and the cost with its output function.

    Args:
        weights: one array (units, inputs) a layer, C-contiguous, float32 or float64 throughout; with `Maxout`, each hidden
            unit has as many rows as it has pieces.
        biases: one array (units,) a layer.
        hidden_function: a name in `hpsearch.nn.activations.ACTIVATIONS`, or a function such as ``LeakyRelu(0.1)``.
        cost_name: a name in `hpsearch.nn.costs.COSTS`.
    Raises:
        SettingError: for an unknown name, or arrays that do not fit each other.
    """

    weights: list[Array]
    biases: list[Array]
    hidden_function: str | Activation = "sigmoid"
    cost_name: str = "cross_entropy"
    activation: Activation = field(init=False, repr=False)
    cost: Cost = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_activation(self.hidden_function)
        known("cost", self.cost_name, COSTS)
        hidden = self.hidden_function
        self.activation, self.cost = ACTIVATIONS[hidden] if isinstance(hidden, str) else hidden, COSTS[self.cost_name]
        _check(self.weights, self.biases, pieces_of(self.activation))

    @classmethod
    def create(
        cls,
        sizes: Sequence[int],
        rng: np.random.Generator,
        *,
        activation: str | Activation = "sigmoid",
        cost: str = "cross_entropy",
        init: str | Initializer = "scaled",
        dtype: str = "float32",
    ) -> Network:
        """Return a network with fresh weights.

        Args:
            sizes: width of every layer, inputs first: (784, 30, 10).
            rng: where the weights come from.
            activation: of the hidden units, a name or a function of `hpsearch.nn.activations`.
            cost: a name in `hpsearch.nn.costs.COSTS`.
            init: a name or a rule of `hpsearch.nn.initializers`.
            dtype: ``"float32"`` or ``"float64"``.
        Raises:
            SettingError: for an unknown name, or a layer without units.
        """
        check_init(init)
        check_activation(activation)
        known("dtype", dtype, DTYPES)
        if len(sizes) < 2 or any(int(size) < 1 for size in sizes):
            advice = "Give the inputs, any hidden layers, and the outputs: (784, 30, 10)."
            raise SettingError(must_be("Sizes of the network", "two or more of at least 1", tuple(sizes), advice))
        pieces = pieces_of(ACTIVATIONS[activation] if isinstance(activation, str) else activation)
        weights, biases = draw(init, sizes, rng, pieces)
        return cls([w.astype(dtype) for w in weights], [b.astype(dtype) for b in biases], activation, cost)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Width of every layer, inputs first."""
        pieces = pieces_of(self.activation)
        return (self.weights[0].shape[1], *(len(b) // pieces for b in self.biases[:-1]), len(self.biases[-1]))

    @property
    def dtype(self) -> np.dtype:
        """float32 or float64."""
        return self.weights[0].dtype

    def copy(self, dtype: str | None = None) -> Self:
        """Return a network with arrays of its own, of another dtype where one is given."""
        weights, biases = ([a.astype(dtype or a.dtype) for a in arrays] for arrays in (self.weights, self.biases))
        return type(self)(weights, biases, self.hidden_function, self.cost_name)

    def forward(self, x: Array) -> Array:
        """Return the outputs, (n, k), for inputs x, (n, d): probabilities where the cost is the log-likelihood.

        Raises:
            DataError: if x is of another shape or kind, or holds NaN or infinity.
        """
        return self.cost.output(self._z(self._check_input(x))).T

    def contrast(self, x: Array) -> float:
        """Return how far apart rows of x are in the output layer: the standard deviation of its pre-activations, their mean.

        About 0.1 to 1 before training; nearly 0 where first weights are too small to let anything through, far above 1 where
        they are too large.
        """
        with np.errstate(all="ignore"):
            return float(self._z(x).std(axis=1, dtype=np.float64).mean())

    @property
    def statistics(self) -> list[Array]:
        """What scoring needs besides weights and biases, kept by the layers during a training: nothing here."""
        return []

    @property
    def plain(self) -> Network:
        """The network of fully connected layers that scores as this one does: itself."""
        return self

    def penalised(self, biases: bool) -> list[int]:
        """Return the numbers of the ``biases`` that l1 and l2 apply to besides the weights: of all where biases do, or none."""
        return list(range(len(self.biases))) if biases else []

    def mean_cost(
        self, x: Array, labels: Labels, l2: L2 | None = None, l1: L1 | None = None, *, decay_biases: bool = False
    ) -> float:
        """Return the mean cost, with the penalties for ``len(labels)`` training samples where any are given."""
        penalties = self._penalties(len(labels), l2, l1, self.penalised(decay_biases))
        return self.score(x, labels).cost + sum(penalties)

    def gradient(self, x: Array, labels: Labels, l2: L2 | None = None, l1: L1 | None = None) -> tuple[list[Array], list[Array]]:
        """Return the gradient of `mean_cost` by the weights, (units, inputs) each, and by the biases, (units,) each."""
        return self.cost_and_gradient(x, labels, l2, l1)[1:]

    def cost_and_gradient(
        self,
        x: Array,
        labels: Array,
        l2: L2 | None = None,
        l1: L1 | None = None,
        sample_weights: Array | None = None,
        *,
        decay_biases: bool = False,
    ) -> tuple[float, list[Array], list[Array]]:
        """Return the mean cost with its penalties, and `gradient`; ``sample_weights``, (n,), multiply the cost of each row.

        With ``decay_biases`` the penalties are those of the biases too. Runs the very passes that training runs, so that
        checking this gradient checks the training. What `Dropout` leaves out in a `hpsearch.nn.stack.Stack` is the same in
        every call.
        """
        samples, passes = len(labels), self.passes(len(labels))
        targets = encode_rows(labels, np.arange(self.sizes[-1])).astype(self.dtype)
        z = np.empty_like(targets)
        counts = None if sample_weights is None else sample_weights.astype(self.dtype)
        batch = Minibatch(np.ascontiguousarray(x, self.dtype).T, targets, z, z.T, counts)
        passes.run(batch)
        mean = self.cost.mean(z, targets) if counts is None else float((self.cost.each(z, targets) * counts).mean())
        penalised = self.penalised(decay_biases)
        cost = mean + sum(self._penalties(samples, l2, l1, penalised))
        into = Gradient([w.copy().T for w in self.weights], [np.zeros_like(b) for b in self.biases])
        decay = l2.decay(samples) if l2 else 0.0
        passes.accumulate(batch, into, decay, 1 / samples, 1 / samples)
        pull = l1.pull(samples) if l1 else 0.0
        for number in penalised if l2 or l1 else ():
            into.biases[number] += decay * self.biases[number] + pull * np.sign(self.biases[number])
        return cost, [g_t.T + pull * np.sign(w) for g_t, w in zip(into.weights_t, self.weights, strict=True)], into.biases

    def by_layer(self, weights: Sequence[Array], biases: Sequence[Array]) -> list[list[Array]]:
        """Return arrays as `gradient` returns them, those of each layer together."""
        return [list(arrays) for arrays in zip(weights, biases, strict=True)]

    def hidden_outputs(self, x: Array) -> Iterator[Array]:
        """Yield the outputs of each hidden layer, (h, n), for inputs x, (n, d)."""
        a = np.asarray(x, self.dtype).T
        for weights, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            z = weights @ a
            z += bias[:, None]
            a = self.activation(z, z)
            yield a

    def features(self, x: Array, layer: int) -> Array:
        """Return the outputs of a hidden layer, (n, width) in the network's dtype, for inputs x, (n, d).

        Args:
            x: inputs.
            layer: of the hidden layers, counted from 1.
        Raises:
            DataError: if x is of another shape or kind, or holds NaN or infinity.
            SettingError: for a layer that there is not, and for a `hpsearch.nn.stack.Stack`.
        Source: Yosinski et al. (2014), How transferable are features in deep neural networks?

        >>> network = Network([np.eye(2), np.ones((2, 2))], [np.zeros(2), np.zeros(2)], "relu")
        >>> network.features(np.array([[1.0, -2.0]]), layer=1).tolist()
        [[1.0, 0.0]]
        """
        network = self.plain
        if type(network) is not Network:
            advice = "Its layers may be of any kind."
            raise SettingError(must_be("A network with features", "a Network", "a Stack", advice))
        check_layer(layer, network.sizes)
        outputs = next(islice(network.hidden_outputs(network._check_input(x)), layer - 1, None))
        return np.ascontiguousarray(outputs.T)

    def passes(self, samples: int, rates: Rates = WHOLE, rng: Callable[[], np.random.Generator] = fixed_generator) -> Backprop:
        """Return the forward and the backward pass of training, for mini-batches of one size.

        Args:
            samples: m.
            rates: of dropout.
            rng: called for the generator of what dropout leaves out, at every mini-batch.
        """
        if pieces_of(self.activation) > 1:
            return LayerPasses(layers_of(self, rates), Loss(self.cost_name, self.cost), samples, rng)
        return ThinnedBackprop(self, samples, rates, rng) if any(rates) else Backprop(self, samples)

    def _penalties(self, samples: int, l2: L2 | None, l1: L1 | None, biases: Sequence[int]) -> list[float]:
        arrays = [*self.weights, *(self.biases[i] for i in biases)]
        return [penalty.penalty(arrays, samples) for penalty in (l2, l1) if penalty]

    def _z(self, x: Array) -> Array:
        """Return the pre-activation of the output layer, (k, n)."""
        a = x.T
        for weights, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            z = weights @ a
            z += bias[:, None]
            a = self.activation(z, z)
        z = self.weights[-1] @ a
        z += self.biases[-1][:, None]
        return z


def check_layer(layer: object, sizes: Sequence[int]) -> int:
    """Return the number of a hidden layer, counted from 1, or raise; ``sizes`` are those of the network."""
    if len(sizes) == 2:
        raise SettingError(must_be("layer", "one of a network with hidden layers", layer, "Its outputs are all there is."))
    return integer("layer", layer, 1, "Hidden layers are counted from 1.", most=len(sizes) - 2)


def _check(weights: Sequence[Array], biases: Sequence[Array], pieces: int) -> None:
    """Raise for arrays that BLAS would silently copy or misread."""
    arrays = [*weights, *biases]
    if not weights or len(weights) != len(biases):
        what = "Number of weight and bias arrays"
        raise SettingError(must_be(what, "equal and at least 1", (len(weights), len(biases)), "Give one of each a layer."))
    if len({a.dtype.name for a in arrays}) > 1 or arrays[0].dtype.name not in DTYPES:
        dtypes = sorted({a.dtype.name for a in arrays})
        raise SettingError(must_be("Weights and biases", "all float32 or all float64", dtypes, "Convert them."))
    if not all(a.flags.c_contiguous for a in arrays):
        raise SettingError(must_be("Weights and biases", "C-contiguous", "another order", "Use np.ascontiguousarray."))
    shapes = [w.shape for w in weights]
    inputs = [shape[-1] for shape in shapes[1:]]
    if any(w.ndim != 2 or b.shape != w.shape[:1] for w, b in zip(weights, biases, strict=True)) or inputs != [
        len(b) / pieces for b in biases[:-1]
    ]:
        raise SettingError(must_be("Weights", "(units, inputs) layer by layer", shapes, "Match each layer to the one below."))
