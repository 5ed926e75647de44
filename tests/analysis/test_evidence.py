"""Evidence against options: dropped when clearly worse, kept on a few trials, and never by chance more often than said."""

from __future__ import annotations

import math

import numpy as np

from hpsearch import Choice, Outcome, Space, Status, Trial
from hpsearch.analysis.evidence import worse_options

SPACE = Space(c=Choice("a", "b", "c"))


def trials(**values: list[float]) -> list[Trial]:
    pairs = [(option, value) for option, column in values.items() for value in column]
    return [
        Trial(n, {"c": option}, "coarse", Status.FINISHED if math.isfinite(v) else Status.FAILED, Outcome(v))
        for n, (option, v) in enumerate(pairs)
    ]


def test_an_option_that_is_always_worse_is_named_with_the_exact_p_value() -> None:
    """Four against four, all worse: one of the 70 ways to order them."""
    found = worse_options(SPACE, "c", trials(a=[1, 2, 3, 4], b=[5, 6, 7, 8]))
    assert list(found) == ["b"]
    assert abs(found["b"] - 1 / 70) < 1e-12


def test_fewer_than_four_trials_are_no_evidence() -> None:
    assert worse_options(SPACE, "c", trials(a=[1, 2, 3, 4, 5, 6], b=[50, 60, 70])) == {}


def test_overlapping_options_are_kept() -> None:
    assert worse_options(SPACE, "c", trials(a=[1, 3, 5, 7], b=[2, 4, 6, 8], c=[2, 3, 6, 7])) == {}


def test_failures_count_as_worse_than_anything() -> None:
    assert list(worse_options(SPACE, "c", trials(a=[1, 2, 3, 4], b=[math.nan] * 4))) == ["b"]


def test_nothing_is_said_where_all_are_alike_or_all_failed() -> None:
    assert worse_options(SPACE, "c", trials(a=[1.0] * 5, b=[1.0] * 5)) == {}
    assert worse_options(SPACE, "c", trials(a=[math.nan] * 5, b=[math.nan] * 5)) == {}


def test_equal_options_are_rarely_dropped() -> None:
    """Holding all against the best looking one takes more than 5 %: 15 % of 200 would be 10 standard errors above 4 %."""
    rng = np.random.default_rng(0)
    dropped = [
        worse_options(SPACE, "c", trials(a=[*rng.random(8)], b=[*rng.random(8)], c=[*rng.random(8)])) for _ in range(200)
    ]
    assert np.mean([bool(found) for found in dropped]) < 0.15
