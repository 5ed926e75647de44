"""Elman cell: its state over time, and the gradient of a cost by its arrays, backwards through time.

Shape letters: T steps, B streams that are read side by side, V symbols, D numbers of an embedding, H units.
"""

from __future__ import annotations

import math

import numpy as np

from hpsearch.nn.arrays import Array, Labels, blas_of

# The arrays of a cell, in their order; a cell has some of them.
EMBEDDING, INPUT, RECURRENT, BIAS, FIRST = "embedding", "input", "recurrent", "bias", "first_state"


class Cell:
    """h_t = tanh(W e(x_t) + U h_(t-1) + b), with the state h_0 = 0, or a learnt one.

    A symbol x is one-hot, or its row of an embedding E. Either way W e(x) is a row of a table that is made once a pass, so no
    input is ever multiplied by zeros.

    Args:
        arrays: ``input`` W, (H, D) or (H, V); ``recurrent`` U, (H, H); ``bias`` b, (H,); where there is one, ``embedding`` E,
            (V, D), and ``first_state`` h_0, (H,). They are read in place.
    Source: Elman (1990), Finding structure in time, Cognitive Science 14; document M4.
    """

    def __init__(self, arrays: dict[str, Array]) -> None:
        self.arrays = arrays

    @classmethod
    def create(
        cls, symbols: int, units: int, rng: np.random.Generator, dtype: str, embedding: int | None, first_state: bool
    ) -> Cell:
        """Return a cell whose weights and biases are uniform in +-1/sqrt(H), the embedding standard normal, and h_0 zero.

        Source: the rule of torch.nn.RNN and torch.nn.Embedding.
        """
        arrays: dict[str, Array] = {}
        if embedding is not None:
            arrays[EMBEDDING] = rng.standard_normal((symbols, embedding)).astype(dtype)
        arrays[INPUT] = uniform(rng, (units, symbols if embedding is None else embedding), units, dtype)
        arrays[RECURRENT] = uniform(rng, (units, units), units, dtype)
        arrays[BIAS] = uniform(rng, (units,), units, dtype)
        if first_state:
            arrays[FIRST] = np.zeros(units, dtype)
        return cls(arrays)

    @property
    def units(self) -> int:
        """H."""
        return len(self.arrays[BIAS])

    @property
    def symbols(self) -> int:
        """V."""
        return len(self.arrays[EMBEDDING]) if EMBEDDING in self.arrays else int(self.arrays[INPUT].shape[1])

    def table(self) -> Array:
        """Return W e(x) + b of every symbol, (V, H)."""
        weights = self.arrays[INPUT].T
        inputs = self.arrays[EMBEDDING] @ weights if EMBEDDING in self.arrays else weights
        table: Array = np.add(inputs, self.arrays[BIAS], order="C")
        return table

    def first(self, streams: int) -> Array:
        """Return the state before the first step, (B, H)."""
        state = np.zeros((streams, self.units), self.arrays[BIAS].dtype)
        if FIRST in self.arrays:
            state[:] = self.arrays[FIRST]
        return state

    def step(self, symbols: Labels, state: Array, table: Array) -> Array:
        """Return the next state, (B, H), after a symbol for each stream, (B,); for sampling."""
        following: Array = np.tanh(table[symbols] + state @ self.arrays[RECURRENT].T)
        return following


def uniform(rng: np.random.Generator, shape: tuple[int, ...], units: int, dtype: str) -> Array:
    """Return an array that is uniform in +-1/sqrt(units)."""
    return rng.uniform(-1 / math.sqrt(units), 1 / math.sqrt(units), shape).astype(dtype)


class CellPass:
    """The two passes of a cell over T steps of B streams, in buffers that are allocated once.

    ``states`` holds h_0 to h_T, (T + 1, B, H). Write the gradient of the cost by h_1 to h_T into ``deltas``, (T, B, H), before
    `backward`, which changes it.
    """

    def __init__(self, cell: Cell, steps: int, streams: int) -> None:
        self.cell, units, dtype = cell, cell.units, cell.arrays[BIAS].dtype
        self.states = np.zeros((steps + 1, streams, units), dtype)
        self.deltas = np.zeros((steps, streams, units), dtype)
        self.rows = self.states[1:].reshape(-1, units)
        self._slopes = np.empty_like(self.deltas)
        self._gemm = blas_of(self.states).gemm
        after = [(self.states[t].T, self.states[t + 1], self.states[t + 1].T) for t in range(steps)]
        self._forwards = after
        self._backwards = [(self.deltas[t], self.deltas[t].T, self._slopes[t], self.deltas[t - 1].T) for t in range(steps)]
        self._backwards.reverse()
        self._ones, self._ends = np.ones(steps * streams, dtype), np.arange(steps * streams + 1, dtype=np.int32)

    def forward(self, symbols: Labels, first: Array) -> None:
        """Compute all states for symbols, (T, B), from the state ``first``, (B, H)."""
        np.copyto(self.states[0], first)
        # With another mode than "raise" NumPy writes straight into the buffer.
        np.take(self.cell.table(), symbols.ravel(), axis=0, out=self.rows, mode="clip")
        gemm, recurrent = self._gemm, self.cell.arrays[RECURRENT].T
        for before, now, flipped in self._forwards:
            gemm(1.0, recurrent, before, 1.0, flipped, 1, 0, 1)
            np.tanh(now, now)

    def backward(self, symbols: Labels) -> tuple[dict[str, Array], Array]:
        """Return the gradient by each array of the cell but h_0, and the one by the state before the first step, (B, H)."""
        gemm, recurrent = self._gemm, self.cell.arrays[RECURRENT].T
        after, slopes = self.states[1:], self._slopes
        np.multiply(after, after, slopes)
        np.subtract(1.0, slopes, slopes)
        for now, flipped, slope, before in self._backwards[:-1]:
            np.multiply(now, slope, now)
            gemm(1.0, recurrent, flipped, 1.0, before, 0, 0, 1)
        now, _, slope, _ = self._backwards[-1]
        np.multiply(now, slope, now)
        return self._gradients(symbols), now @ self.cell.arrays[RECURRENT]

    def _gradients(self, symbols: Labels) -> dict[str, Array]:
        from scipy.sparse import csc_array  # a tenth of a second, which `import hpsearch` should not cost

        arrays, units = self.cell.arrays, self.cell.units
        deltas, before = self.deltas.reshape(-1, units), self.states[:-1].reshape(-1, units)
        one_hot = csc_array((self._ones, symbols.ravel(), self._ends), shape=(self.cell.symbols, len(deltas)))
        table = one_hot @ deltas
        recurrent = np.empty_like(arrays[RECURRENT])
        self._gemm(1.0, before.T, deltas.T, 0.0, recurrent.T, 0, 1, 1)
        found = {RECURRENT: recurrent, BIAS: table.sum(axis=0), INPUT: table.T}
        if EMBEDDING in arrays:
            found[INPUT], found[EMBEDDING] = table.T @ arrays[EMBEDDING], table @ arrays[INPUT]
        return found
