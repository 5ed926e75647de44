"""Processes that take turns: each warp in its turn, warm starts of its own, fits as seldom as asked."""

import numpy as np
import pytest

from hpsearch.surrogate import WARPS, WarpCycle, fit

OWNERS = np.arange(2)


def data(count: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).random((count, 2))
    return x, ((x - 0.3) ** 2).sum(1)


def test_each_warp_has_its_turn_and_begins_where_its_last_fit_ended() -> None:
    cycle, first = WarpCycle(), {}
    for turn, count in enumerate((8, 9, 10, 11)):
        x, y = data(count)
        found, index = cycle.posterior(x, y, OWNERS), turn % len(WARPS)
        targets = WARPS[index](y)
        assert found.targets.tolist() == targets.tolist()
        expected = fit(x, targets, OWNERS, first.get(index))
        assert found.hyper.vector.tolist() == expected.vector.tolist()
        first[index] = expected
        cycle.turn += 1


def test_it_fits_as_seldom_as_asked_and_always_after_a_restart() -> None:
    cycle = WarpCycle(WARPS[:1])
    hypers = [cycle.posterior(*data(count), OWNERS, every=3).hyper for count in (8, 10, 11)]
    assert hypers[0] is hypers[1]
    assert hypers[2] is not hypers[0]
    cycle.restart()
    anew = cycle.posterior(*data(11), OWNERS, every=3).hyper
    assert anew.vector.tolist() == fit(data(11)[0], WARPS[0](data(11)[1]), OWNERS).vector.tolist()


def test_all_values_are_warped_and_some_kept() -> None:
    (x, y), kept = data(12), np.array([1, 5, 7, 11])
    found = WarpCycle().posterior(x[kept], y, OWNERS, kept)
    assert found.targets == pytest.approx(WARPS[0](y)[kept])
