"""Who trains the same network in tests/benchmarks/test_epoch.py: a function each that trains one more epoch, and its weights.

All of them see the same rows, cut into mini-batches of the same size, in an order of their own, and start from random weights
of the same kind. scikit-learn has a softmax output with its cost, the others sigmoid outputs with the cross-entropy.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hpsearch.nn import Monitors, Network, Recipe, Training

Images = tuple[np.ndarray, np.ndarray]
CLASSES = 10


@dataclass(frozen=True)
class Setting:
    """A network and a recipe that every contestant can follow."""

    hidden: int
    batch_size: int
    learning_rate: float = 0.5
    momentum: float = 0.0
    activation: str = "sigmoid"
    digits: bool = False

    def __str__(self) -> str:
        more = f", {self.activation}, momentum" if self.momentum else ""
        return f"[{64 if self.digits else 784}, {self.hidden}, {CLASSES}] batch {self.batch_size}{more}"


class Contestant(NamedTuple):
    """``epoch`` trains once through the rows, ``network`` returns what came of it."""

    epoch: Callable[[], None]
    network: Callable[[], Network]


def ours(setting: Setting, images: Images, engine: str) -> Contestant:
    """Return our own training, with all that one pays for in it but validation."""
    rng = np.random.default_rng(0)
    network = Network.create((images[0].shape[1], setting.hidden, CLASSES), rng, activation=setting.activation)
    recipe = Recipe(
        setting.learning_rate,
        momentum=setting.momentum,
        batch_size=setting.batch_size,
        epochs=10_000,
        monitors=Monitors(validation=False),
        engine=engine,
    )
    epochs = Training(network, images, recipe, rng).run()
    return Contestant(lambda: _once(epochs), lambda: network)


def _once(epochs: Any) -> None:
    next(epochs)


def pytorch(setting: Setting, images: Images, summing: bool) -> Contestant:
    """Return the plain loop of PyTorch: nn.Sequential, SGD and index batches; with ``summing`` it adds up its loss."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    x, labels = (torch.tensor(part) for part in images)
    targets = torch.nn.functional.one_hot(labels, CLASSES).float()
    activation = {"sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU}[setting.activation]()
    layers = (torch.nn.Linear(x.shape[1], setting.hidden), activation, torch.nn.Linear(setting.hidden, CLASSES))
    network = torch.nn.Sequential(*layers)
    cost = torch.nn.BCEWithLogitsLoss(reduction="sum")
    optimizer = torch.optim.SGD(network.parameters(), lr=setting.learning_rate, momentum=setting.momentum)

    def epoch() -> None:
        total = 0.0
        for rows in torch.randperm(len(x)).split(setting.batch_size):
            optimizer.zero_grad()
            loss = cost(network(x[rows]), targets[rows]) / len(rows)
            loss.backward()
            optimizer.step()
            if summing:
                total += loss.item() * len(rows)

    def trained() -> Network:
        arrays = [parameter.detach().numpy().copy() for parameter in network.parameters()]
        return Network(arrays[::2], arrays[1::2], setting.activation)

    return Contestant(epoch, trained)


def jax(setting: Setting, images: Images) -> Contestant:
    """Return JAX's compiled epoch: one jit around a scan over mini-batches, which gathers its rows itself."""
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"  # read at the first use
    import jax
    import jax.numpy as jnp

    x, targets = jnp.asarray(images[0]), jax.nn.one_hot(images[1], CLASSES)
    start = Network.create((x.shape[1], setting.hidden, CLASSES), np.random.default_rng(0), activation=setting.activation)
    parameters = [jnp.asarray(a) for pair in zip(start.weights, start.biases, strict=True) for a in pair]
    activation = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu}[setting.activation]

    def cost(parameters: list[Any], rows: Any) -> Any:
        first, bias, last, shift = parameters
        z = activation(x[rows] @ first.T + bias) @ last.T + shift
        return jnp.sum(jnp.logaddexp(0.0, z) - targets[rows] * z) / setting.batch_size

    def step(state: tuple[list[Any], list[Any]], rows: Any) -> tuple[tuple[list[Any], list[Any]], None]:
        weights, moving = state
        slopes = jax.grad(cost)(weights, rows)
        moving = [setting.momentum * v - setting.learning_rate * g for v, g in zip(moving, slopes, strict=True)]
        return ([w + v for w, v in zip(weights, moving, strict=True)], moving), None

    compiled = jax.jit(lambda state, batches: jax.lax.scan(step, state, batches)[0])
    state, rng = (parameters, [jnp.zeros_like(a) for a in parameters]), np.random.default_rng(1)
    batches = len(x) // setting.batch_size

    def epoch() -> None:
        nonlocal state
        order = rng.permutation(len(x))[: batches * setting.batch_size].astype(np.int32)
        state = jax.block_until_ready(compiled(state, order.reshape(batches, -1)))

    def trained() -> Network:
        arrays = [np.array(a) for a in state[0]]
        return Network(arrays[::2], arrays[1::2], setting.activation)

    return Contestant(epoch, trained)


def scikit_learn(setting: Setting, images: Images) -> Contestant:
    """Return MLPClassifier, an epoch at a time."""
    from sklearn.neural_network import MLPClassifier

    names = {"sigmoid": "logistic", "relu": "relu"}
    model = MLPClassifier(
        (setting.hidden,), activation=names[setting.activation], solver="sgd", alpha=0.0, batch_size=setting.batch_size,
        learning_rate_init=setting.learning_rate, momentum=setting.momentum, nesterovs_momentum=False, random_state=0,
    )  # fmt: skip

    def epoch() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.partial_fit(*images, classes=np.arange(CLASSES))

    def trained() -> Network:
        weights = [np.ascontiguousarray(w.T, np.float32) for w in model.coefs_]
        biases = [b.astype(np.float32) for b in model.intercepts_]
        return Network(weights, biases, setting.activation, "log_likelihood")

    return Contestant(epoch, trained)


def one_by_one(setting: Setting, images: Images) -> Contestant:
    """Return backpropagation sample by sample in plain NumPy, as the document's network2 goes about it.

    Columns of float64, a Python loop over the samples of a mini-batch, the gradients of all layers summed in new arrays. Only
    for sigmoid units without momentum.
    Source: Nielsen, Neural Networks and Deep Learning, ch. 2 and 3, the description of its program.
    """
    rng = np.random.default_rng(0)
    network = Network.create((images[0].shape[1], setting.hidden, CLASSES), rng, dtype="float64")
    weights, biases = network.weights, [b.reshape(-1, 1) for b in network.biases]
    columns, targets = images[0][:, :, None], np.eye(CLASSES)[images[1]][:, :, None]

    def gradient(x: np.ndarray, target: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        outputs = [x]
        for w, b in zip(weights, biases, strict=True):
            outputs.append(1.0 / (1.0 + np.exp(-(w @ outputs[-1] + b))))
        delta = outputs[-1] - target
        by_weights, by_biases = [delta @ outputs[-2].T], [delta]
        for w, out, below in zip(weights[:0:-1], outputs[-2:0:-1], outputs[-3::-1], strict=True):
            delta = (w.T @ delta) * out * (1 - out)
            by_weights.insert(0, delta @ below.T)
            by_biases.insert(0, delta)
        return by_weights, by_biases

    def epoch() -> None:
        for rows in np.array_split(rng.permutation(len(columns)), len(columns) // setting.batch_size):
            sums: list[list[np.ndarray]] = [[np.zeros_like(a) for a in arrays] for arrays in (weights, biases)]
            for row in rows:
                for so_far, more in zip(sums, gradient(columns[row], targets[row]), strict=True):
                    so_far[:] = [a + b for a, b in zip(so_far, more, strict=True)]
            for arrays, total in zip((weights, biases), sums, strict=True):
                for array, change in zip(arrays, total, strict=True):
                    array -= setting.learning_rate / len(rows) * change

    return Contestant(epoch, lambda: network)
