"""The expected improvement on a log scale, and the search for the point where it is largest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.special import erfcx, ndtr

from hpsearch.surrogate.encoding import Array, Encoding
from hpsearch.surrogate.predict import Posterior

_LOG_ROOT_2PI = 0.5 * np.log(2.0 * np.pi)
# Candidates: drawn from the whole space, and near the best points tried.
_WIDE, _NEAR = 600, 300
# The number of best points that candidates are drawn near to, and how often those are refined.
_CENTRES, _ROUNDS = 5, 4
# Candidates around each centre in a round, the size of the first round's steps, and how it falls.
_STEPS, _FIRST, _FALL = 30, 0.1, 0.4

Encode = Callable[[Array], Array]


def log_expected_improvement(means: Array, deviations: Array, best: float) -> Array:
    """Return log E[max(best - f, 0)] for normal f, exact far below what EI itself could hold.

    log(s) + log(phi(z) + z Phi(z)) with z = (best - m) / s.
    Source: Ament et al. (2023), Unexpected improvements to expected improvement for Bayesian optimization, NeurIPS 36.

    >>> log_expected_improvement(np.array([0.0]), np.array([1.0]), 0.0).round(4).item()  # log(1 / sqrt(2 pi))
    -0.9189
    """
    z = (best - means) / deviations
    found = np.empty_like(z)
    near = z > -1.0
    found[near] = np.log(np.exp(-0.5 * z[near] ** 2 - _LOG_ROOT_2PI) + z[near] * ndtr(z[near]))
    far = -z[~near]
    # phi(z) (1 - t M(t)) with Mills' ratio M, which tends to 1 / t^2.
    mills = far * np.sqrt(np.pi / 2.0) * erfcx(far / np.sqrt(2.0))
    tail = np.where(far > 1e4, -2.0 * np.log(far), np.log1p(-np.minimum(mills, 1.0 - 1e-16)))
    found[~near] = -0.5 * far**2 - _LOG_ROOT_2PI + tail
    return found + np.log(deviations)


@dataclass
class Proposer:
    """Finds the points of a space with the largest expected improvement, one after the other.

    Args:
        encoding: of the space.
        tried: (points, parameters), the unit coordinates of the points tried so far.
        posterior: what is believed of the values there.
        seen: (points, parameters), further points that need not be tried again; those tried unless given.
        encode: turns snapped unit coordinates into the posterior's features; the encoding's own unless given.
    """

    encoding: Encoding
    tried: Array
    posterior: Posterior
    seen: Array | None = None
    encode: Encode | None = None
    _seen: set[bytes] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._encode = self.encode or self.encoding.features
        means = self.posterior.mean(self._encode(self.tried))
        self._least = float(means.min())
        self._centres = self.tried[np.argsort(means, kind="stable")[:_CENTRES]]
        if self.encoding.is_discrete:
            self._seen = set(_keys(self.tried if self.seen is None else self.seen))

    def propose(self, rng: np.random.Generator) -> Array:
        """Return the unit coordinates of the next point, (parameters,), and take its predicted value for true from then on."""
        units = self.encoding.snap(np.vstack([self._wide(rng), self._near(rng)]))
        scores = self._score(units)
        step = _FIRST
        for _ in range(_ROUNDS):
            top = np.argsort(-scores, kind="stable")[:_CENTRES]
            around = self.encoding.snap(self._around(units[top], step, rng))
            units = np.vstack([units[top], around])
            scores = np.append(scores[top], self._score(around))
            step *= _FALL
        chosen: Array = units[int(np.argmax(scores))]
        self._add(chosen)
        return chosen

    def _add(self, chosen: Array) -> None:
        row = self._encode(chosen[None])
        self.posterior = self.posterior.believe(row)
        self._seen.update(_keys(chosen[None]))

    def _score(self, units: Array) -> Array:
        """Return the logarithm of the expected improvement; points tried already come last where points can be met twice."""
        scores = log_expected_improvement(*self.posterior.predict(self._encode(units)), self._least)
        if self.encoding.is_discrete:
            scores[[key in self._seen for key in _keys(units)]] -= 1e6
        return scores

    def _wide(self, rng: np.random.Generator) -> Array:
        return rng.random((_WIDE, len(self.encoding.domains)))

    def _near(self, rng: np.random.Generator) -> Array:
        """Return points near the best ones: a random subset of coordinates moves, by steps of all sizes."""
        count = len(self.encoding.domains)
        rows = np.repeat(self._centres, _NEAR // len(self._centres), axis=0)
        sizes = 10.0 ** rng.uniform(-2.5, -0.4, (len(rows), 1))
        moved = rng.random(rows.shape) < np.maximum(rng.random((len(rows), 1)), 1.0 / count)
        return self._move(rows, moved, sizes, rng)

    def _around(self, centres: Array, step: float, rng: np.random.Generator) -> Array:
        rows = np.repeat(centres, _STEPS, axis=0)
        sizes = step * 10.0 ** rng.uniform(-1.0, 0.0, (len(rows), 1))
        return self._move(rows, rng.random(rows.shape) < 0.5, sizes, rng)

    def _move(self, rows: Array, moved: np.ndarray, sizes: Array, rng: np.random.Generator) -> Array:
        """Return rows with some coordinates moved: ranges by normal steps, whole numbers by a cell or more, options redrawn."""
        counts = self.encoding.counts
        moved[np.arange(len(rows)), rng.integers(len(counts), size=len(rows))] = True
        steps = rng.normal(size=rows.shape) * sizes
        cells = np.flatnonzero(counts > 2)
        steps[:, cells] = np.sign(steps[:, cells]) * np.maximum(np.abs(steps[:, cells]), 1.0 / counts[cells])
        redrawn = self.encoding.by_option | (counts == 2)
        steps = np.where(redrawn, rng.random(rows.shape) - rows, steps)
        return _reflect(rows + moved * steps)


def _reflect(units: Array) -> Array:
    """Return coordinates reflected at the ends of [0, 1].

    >>> _reflect(np.array([-0.25, 1.25])).tolist()
    [0.25, 0.75]
    """
    below = np.abs(units)
    return np.clip(1.0 - np.abs(1.0 - below), 0.0, 1.0)


def _keys(units: Array) -> list[bytes]:
    """Return what tells snapped points apart: their coordinates, rounded, as bytes."""
    rounded = np.ascontiguousarray(np.round(units, 9))
    keys: list[bytes] = rounded.view(f"V{rounded.strides[0]}").ravel().tolist()
    return keys
