"""Random search: its distribution, and that a longer search begins with the shorter one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hpsearch import Float, Space
from hpsearch.errors import SettingError
from hpsearch.strategies import Random
from hpsearch.testing import drive

SPACE = Space(x=Float(1e-3, 10.0, log=True), y=Float(0.0, 1.0))


def test_a_longer_search_begins_with_the_shorter() -> None:
    short, long = (drive(Random(trials=n), SPACE)[1] for n in (10, 25))
    assert [t.params for t in long[:10]] == [t.params for t in short]


def test_draws_are_uniform_over_the_logarithm() -> None:
    """Kolmogorov-Smirnov against scipy's uniform distribution, with a fixed seed."""
    _, trials = drive(Random(trials=2000), SPACE)
    logs = np.log10([t.params["x"] for t in trials])
    assert stats.kstest(logs, stats.uniform(-3, 4).cdf).pvalue > 0.01


@pytest.mark.parametrize("trials", [0, -1, 2.5, "many", True])
def test_a_number_of_trials_that_is_none_raises(trials: object) -> None:
    with pytest.raises(SettingError, match="Random trials must be a whole number >= 1, got"):
        Random(trials=trials)  # type: ignore[arg-type]
