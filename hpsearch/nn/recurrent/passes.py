"""Forward and backward pass of a recurrent network over a batch of streams: cost, gradient, and the state to carry on."""

from __future__ import annotations

import numpy as np

from hpsearch.nn.arrays import Array, Labels, blas_of
from hpsearch.nn.recurrent.cell import FIRST, CellPass
from hpsearch.nn.recurrent.network import ENCODER, OUTPUT, OUTPUT_BIAS, Batch, RecurrentNetwork


class Passes:
    """The passes of one network, whose buffers are kept for each shape of batch.

    Costs are means over all predictions of a batch, in nats: 1 nat is 1.4427 bits.
    """

    def __init__(self, network: RecurrentNetwork) -> None:
        self.network = network
        self._cells: dict[tuple[str, int, int], CellPass] = {}

    def forward(self, batch: Batch, first: Array | None = None) -> tuple[float, int, Array]:
        """Return the cost, how many predictions it is the mean of, and the last state, (B, H).

        Args:
            batch: of symbols.
            first: the state before the first step, (B, H); None begins anew.
        """
        cell = self._forward(batch, first)
        outputs, places = self._outputs(cell, batch)
        cost, _ = _cost(outputs, _counted(batch.targets, places))
        return cost, outputs.shape[1], cell.states[-1].copy()

    def predict(self, batch: Batch, first: Array | None = None) -> tuple[float, Labels, Labels, Array]:
        """Return the cost, the most probable output and the right one of each prediction, (n,), and the last state, (B, H)."""
        cell = self._forward(batch, first)
        outputs, places = self._outputs(cell, batch)
        targets, guessed = _counted(batch.targets, places), outputs.argmax(axis=0)
        return _cost(outputs, targets)[0], guessed, targets, cell.states[-1].copy()

    def gradient(self, batch: Batch, first: Array | None = None) -> tuple[float, dict[str, Array], Array]:
        """Return the cost, its gradient by each array, and the last state, (B, H).

        The gradient goes back to the first step of the batch and no further: a state that is handed in is a constant.
        """
        network = self.network
        cell = self._forward(batch, first)
        outputs, places = self._outputs(cell, batch)
        cost, delta = _cost(outputs, _counted(batch.targets, places))
        found = self._above(cell, delta, places)
        inner, by_first = cell.backward(batch.symbols)
        found |= inner
        if network.encoder is not None and first is None:
            found |= self._encoder_gradient(batch, by_first)
        if FIRST in network.cell.arrays:
            learnt = first is None
            found[FIRST] = by_first.sum(axis=0) if learnt else np.zeros_like(network.cell.arrays[FIRST])
        return cost, found, cell.states[-1].copy()

    def read(self, batch: Batch) -> CellPass:
        """Return the cell after it has read a batch from its beginning, for its states; targets have no effect."""
        return self._forward(batch, None)

    def start(self, batch: Batch) -> Array:
        """Return the state before the first symbol of each stream, (B, H)."""
        return self.network.cell.first(batch.symbols.shape[1]) if batch.read is None else self._encode(batch)

    def _cell(self, name: str, symbols: Labels) -> CellPass:
        key = (name, *symbols.shape)
        if key not in self._cells:
            cell = self.network.encoder if name else self.network.cell
            assert cell is not None
            self._cells[key] = CellPass(cell, *symbols.shape)
        return self._cells[key]

    def _forward(self, batch: Batch, first: Array | None) -> CellPass:
        cell = self._cell("", batch.symbols)
        cell.forward(batch.symbols, self.start(batch) if first is None else first)
        return cell

    def _encode(self, batch: Batch) -> Array:
        """Return the state of the encoder after the last symbol of each stream, (B, H)."""
        assert batch.read is not None
        assert batch.lengths is not None
        assert self.network.encoder is not None
        encoder = self._cell(ENCODER, batch.read)
        encoder.forward(batch.read, self.network.encoder.first(batch.read.shape[1]))
        last: Array = encoder.states[batch.lengths, np.arange(len(batch.lengths))]
        return last

    def _encoder_gradient(self, batch: Batch, by_last: Array) -> dict[str, Array]:
        assert batch.read is not None
        assert batch.lengths is not None
        encoder = self._cell(ENCODER, batch.read)
        encoder.deltas[:] = 0.0
        # What lies behind the last symbol of a stream has no part in the cost, so it gets no gradient.
        encoder.deltas[batch.lengths - 1, np.arange(len(batch.lengths))] = by_last
        found, _ = encoder.backward(batch.read)
        return {f"{ENCODER}{name}": array for name, array in found.items()}

    def _outputs(self, cell: CellPass, batch: Batch) -> tuple[Array, Labels | None]:
        """Return V h + c of every prediction, (K, n), and their places among the steps; None where that is all of them."""
        network, places = self.network, None
        rows = cell.rows
        if batch.targets.min() < 0:
            places = np.flatnonzero(batch.targets.ravel() >= 0)
            rows = rows[places]
        outputs = np.empty((len(network.output_bias), len(rows)), network.dtype)
        outputs[:] = network.output_bias[:, None]
        blas_of(rows).gemm(1.0, rows.T, network.output.T, 1.0, outputs.T, 1, 0, 1)
        return outputs, places

    def _above(self, cell: CellPass, delta: Array, places: Labels | None) -> dict[str, Array]:
        """Return the gradient by the output's arrays, and write the one by the states into the pass of the cell."""
        network = self.network
        gemm = blas_of(delta).gemm
        rows = cell.rows if places is None else cell.rows[places]
        output = np.empty_like(network.output)
        gemm(1.0, rows.T, delta.T, 0.0, output.T, 0, 0, 1)
        by_states = cell.deltas.reshape(cell.rows.shape)
        if places is None:
            gemm(1.0, network.output.T, delta.T, 0.0, by_states.T, 0, 1, 1)
        else:
            by_states[:] = 0.0
            by_states[places] = delta.T @ network.output
        return {OUTPUT: output, OUTPUT_BIAS: delta.sum(axis=1)}


def _counted(targets: Labels, places: Labels | None) -> Labels:
    found: Labels = targets.ravel() if places is None else targets.ravel()[places]
    return found


def _cost(outputs: Array, targets: Labels) -> tuple[float, Array]:
    """Return the mean cross-entropy of the softmax of outputs, (K, n), in nats, and its gradient, in the same array."""
    samples = np.arange(len(targets))
    outputs -= outputs.max(axis=0)
    right = outputs[targets, samples]
    np.exp(outputs, outputs)
    sums = outputs.sum(axis=0)
    cost = float((np.log(sums) - right).mean(dtype=np.float64))
    outputs *= 1.0 / (sums * len(targets))
    outputs[targets, samples] -= 1.0 / len(targets)
    return cost, outputs
