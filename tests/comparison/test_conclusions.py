"""Conclusions of a comparison and their sentences; expectations from scipy.stats and from arithmetic written out here."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hpsearch.analysis.contest import Contest
from hpsearch.comparison.conclusions import conclude, describe
from tests.analysis.test_contest import noisy


def test_the_better_contender_is_named_with_the_paired_t_test() -> None:
    rng = np.random.default_rng(2)
    contest = Contest({"bad": noisy(0.0, rng), "good": noisy(-3.0, rng)})
    good, bad = ([min(t.value for t in trials) for trials in contest.searches[name]] for name in ("good", "bad"))
    (found,) = conclude(contest)
    assert (found.ahead, found.behind, found.clear) == ("good", "bad", True)
    assert found.p_value == pytest.approx(stats.ttest_rel(good, bad).pvalue, rel=1e-9)
    wanted = stats.ttest_rel(bad, good).confidence_interval()
    assert (found.gain.low, found.gain.centre, found.gain.high) == pytest.approx(
        (wanted.low, np.mean(bad) - np.mean(good), wanted.high)
    )
    assert describe(contest)[0].startswith("good is better than bad after 6 trials: ")
    assert describe(contest)[1].startswith("good needs")


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_a_difference_within_the_noise_is_called_a_tie(order: str) -> None:
    """The contender of the better mean is named first, whichever way they are listed, and its lead is positive."""
    rng = np.random.default_rng(3)
    searches = {"a": noisy(0.0, rng), "b": noisy(0.05, rng)}
    contest = Contest({name: searches[name] for name in order})
    means = {name: contest.best[name][:, -1].mean() for name in order}
    ahead, behind = sorted(means, key=lambda name: means[name])
    said = describe(contest)
    assert said[0].startswith(f"{ahead} and {behind} are a tie after 6 trials: a lead of {means[behind] - means[ahead]:.3g} in")
    assert not any("needs" in sentence for sentence in said)
    assert conclude(contest)[0].sooner is None


def test_a_gain_is_higher_where_larger_is_better() -> None:
    rng = np.random.default_rng(4)
    contest = Contest({"bad": noisy(3.0, rng), "good": noisy(0.0, rng)}, maximize=True, measure="accuracy")
    sentence = describe(contest)[0]
    assert sentence.startswith("good is better than bad")
    assert "higher in accuracy" in sentence
