"""The river of good settings: by hand from counted errors and from replicates."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from hpsearch import Float, Outcome, Space, Status, Trial
from hpsearch.analysis.findings import Findings
from hpsearch.analysis.optimism import Noise
from hpsearch.analysis.river import river
from hpsearch.trial import lowest


def findings(values: Sequence[Sequence[float]], rows: int = 0) -> Findings:
    trials = [
        Trial(len(group) * i + r, {"x": float(i)}, "all", Status.FINISHED, Outcome(value), replicate=r)
        for i, group in enumerate(values)
        for r, value in enumerate(group)
    ]
    return Findings("s", "validation error", False, Space(x=Float(0.0, 9.0)), trials, lowest(trials), rows=rows)


def test_counted_errors_have_the_error_of_a_share() -> None:
    found = river(findings([[0.14], [0.10], [0.11]], rows=400))
    assert found is not None
    assert found.error == pytest.approx(math.sqrt(0.1 * 0.9 / 400), rel=0.01)
    assert [trial.params["x"] for trial in found.trials] == [1.0, 2.0]


def test_replicates_have_the_error_of_their_mean() -> None:
    """0.1 and 0.2 have a standard error of 0.05: the mean of 0.15 reaches to 0.2."""
    found = river(findings([[0.1, 0.2], [0.19, 0.2], [0.2, 0.21]], rows=400))
    assert found is not None
    assert found.error == pytest.approx(0.05)
    assert [trial.params["x"] for trial in found.trials] == [0.0, 1.0]


def test_noise_of_the_whole_study_serves_a_part_of_it() -> None:
    found = river(findings([[1.0], [1.4], [1.6]]), Noise(0.5))
    assert found is not None
    assert (found.error, len(found.trials)) == (0.5, 2)


@pytest.mark.parametrize("values", [[], [[1.0], [2.0]]])
def test_without_a_noise_there_is_no_river(values: list[list[float]]) -> None:
    assert river(findings(values)) is None
