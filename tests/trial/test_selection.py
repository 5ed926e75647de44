"""Selection under noise: groups of replicates, the one-standard-error rule by hand, chances by scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from hpsearch.errors import SettingError
from hpsearch.space import Choice, Float, Int, Space
from hpsearch.trial import Candidate, Outcome, Status, Trial, candidates, chances, select
from hpsearch.trial.selection import check_rule, complexity, lowest

SPACE = Space(x=Float(0.0, 4.0), size=Int(1, 9, simple="low"))
RNG = np.random.default_rng(0)


def trial(number: int, value: float, stage: str = "all", **fields: object) -> Trial:
    params = {"x": 0.0, "size": fields.pop("size", 1)}
    return Trial(number, params, stage, Status.FINISHED, Outcome(value), **fields)  # type: ignore[arg-type]


def group(number: int, size: int, *values: float) -> Candidate:
    trials = tuple(trial(number + i, value, size=size) for i, value in enumerate(values))
    return Candidate(trials[0].params, None, trials)


def test_one_standard_error_counts_from_the_best() -> None:
    """By hand; the standard error of two values a and b is |a - b| / 2.

    | size | values     | mean | error | within 1.0 + 0.1 |
    |    9 | 0.90, 1.10 | 1.00 |  0.10 | the best         |
    |    5 | 0.88, 1.28 | 1.08 |  0.20 | yes              |
    |    1 | 1.15, 1.15 | 1.15 |  0.00 | no               |
    |    2 | 3.00, 3.00 | 3.00 |  0.00 | no               |

    The third lies within an error of the second (1.28), which does not count.
    """
    best, near, far = group(0, 9, 0.9, 1.1), group(2, 5, 0.88, 1.28), group(4, 1, 1.15, 1.15)
    for found in ([best, near, far, group(6, 2, 3.0, 3.0)], [far, near, best]):
        assert select(found, "one_se", SPACE, RNG) is near
        assert select(found, "mean", SPACE, RNG) is best


def test_a_setting_just_one_standard_error_away_is_within_it() -> None:
    """Values 0 and 2 have the mean 1 and the standard error 1, exactly."""
    edge = group(2, 1, 2.0, 2.0)
    assert select([group(0, 9, 0.0, 2.0), edge], "one_se", SPACE, RNG) is edge


def test_without_a_standard_error_the_best_is_chosen() -> None:
    best = group(0, 9, 1.0)
    assert math.isnan(best.standard_error)
    assert select([group(1, 1, 1.0 + 1e-9), best], "one_se", SPACE, RNG) is best


def test_two_values_have_a_standard_error() -> None:
    """The independent source is scipy."""
    assert group(0, 1, 1.0, 4.0).standard_error == pytest.approx(stats.sem([1.0, 4.0]))


def test_complexity_is_the_distance_from_the_simple_end() -> None:
    """By hand: the middle of each of 9 cells, from the low end and from the high end; a parameter that is absent is none."""
    space = Space(a=Int(1, 9, simple="low"), b=Int(1, 9, simple="high"), kind=Choice("p", "q"), c=Float(0, 4, simple="low"))
    assert complexity(space, {"a": 1, "b": 1, "kind": "p", "c": 1.0}) == pytest.approx((0.5 / 9, 8.5 / 9, 0.25))
    assert complexity(space, {"kind": "q", "b": 9}) == pytest.approx((0.5 / 9,))


def test_candidates_are_groups_of_one_setting_and_budget() -> None:
    trials = [trial(0, 1.0, budget=1), trial(1, 2.0, budget=2), trial(2, 3.0, budget=1), trial(3, 4.0, size=2)]
    trials.append(trial(4, -9.0, "pre-flight"))
    found = candidates(trials)
    assert [[t.number for t in c.trials] for c in found] == [[0, 2], [1], [3]]
    assert [(c.params["size"], c.budget, c.mean) for c in found] == [(1, 1, 2.0), (1, 2, 2.0), (2, None, 4.0)]
    assert lowest(trials) == found[0]  # a tie goes to the earlier trial
    assert lowest([trial(0, math.inf)]) is None


def test_where_leaders_were_confirmed_only_the_confirming_trials_count() -> None:
    trials = [trial(0, 1.0, size=1), trial(1, 1.5, size=2), trial(2, 5.0, "confirm", size=1), trial(3, 4.0, "confirm", size=2)]
    assert [[t.number for t in c.trials] for c in candidates(trials)] == [[2], [3]]


def test_a_single_replicate_borrows_the_spread_of_the_others() -> None:
    """Student's law from scipy: a lone value has one degree of freedom, and a mean of 200 is as good as known.

    The spread is pooled over the candidates that have one: sqrt((1 + 49) / 2) = 5 for spreads of 1 and 7.
    """
    noise = np.random.default_rng(1).normal(size=200)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    known, far, lone = group(0, 1, *noise), group(200, 2, *(1e6 + 7 * noise)), group(400, 3, 3.0)
    expected = float(stats.t.cdf(3.0 / 5.0, df=1))
    found = chances([known, far, lone], np.random.default_rng(2))
    assert found == pytest.approx([expected, 0.0, 1 - expected], abs=0.015)
    assert chances([group(0, 1, 2.0), group(1, 2, 1.0)], np.random.default_rng(2)) == [0.0, 1.0]  # no spread at all


def test_probability_takes_the_one_most_often_lowest() -> None:
    """Means 1.000 and 1.001, both +- 0.01, share one half between them; 1.01 +- 3 has nearly the other half for itself."""
    found = [group(0, 1, 0.99, 1.01), group(2, 2, 0.991, 1.011), group(4, 3, -1.99, 4.01)]
    assert select(found, "mean", SPACE, RNG) is found[0]
    assert select(found, "probability", SPACE, np.random.default_rng(0)) is found[2]


def test_the_rule_must_be_known_and_have_something_to_go_by() -> None:
    check_rule("one_se", SPACE)
    check_rule("mean", Space(x=Float(0, 1)))
    with pytest.raises(SettingError, match="select='one_se' must be used with a space that says what is simple"):
        check_rule("one_se", Space(x=Float(0, 1)))
