"""Spaces of an estimator: scikit-learn's dicts and lists of dicts as a `Space`; the source of all values is scipy's own ppf."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from hpsearch import Choice, Float, Int, Space
from hpsearch.errors import SettingError, SpaceError
from hpsearch.sklearn.spaces import read_space


class RvsAlone:
    """A law of the user's own that can only be drawn from."""

    def rvs(self, random_state: Any = None) -> float:
        return 0.5


@pytest.mark.parametrize(
    ("values", "domain"),
    [
        ([0.1, 1, True, None, "a"], Choice(0.1, 1, True, None, "a")),
        (np.logspace(-2, 0, 3), Choice(0.01, 0.1, 1.0)),
        ([1, 1, 2], Choice(1, 2)),
        ([(1, 2), (3,)], Choice((1, 2), (3,))),
        (range(2, 4), Choice(2, 3)),
        (stats.uniform(2, 3), Float(2.0, 5.0)),
        (stats.uniform, Float(0.0, 1.0)),
        (stats.loguniform(0.01, 10), Float(0.01, 10.0, log=True, hard=True)),
        (stats.reciprocal(0.01, 10), Float(0.01, 10.0, log=True, hard=True)),
        (stats.randint(3, 7), Int(3, 6)),
        (Float(0.1, 1.0), Float(0.1, 1.0)),
        (Int(1, 3, log=True), Int(1, 3, log=True)),
    ],
    ids=lambda value: "" if hasattr(value, "rvs") else str(value),
)
def test_values_and_distributions_become_domains(values: Any, domain: Any) -> None:
    assert read_space({"x": values}).space == Space(x=domain)


@pytest.mark.parametrize(
    ("distribution", "text", "low", "high"),
    [
        (stats.norm(1, scale=2), "norm(1, scale=2)", 0.001, 0.999),
        (stats.expon(scale=0.5), "expon(scale=0.5)", 0.0, 0.999),
        (stats.beta(2, 3), "beta(2, 3)", 0.0, 1.0),
        (stats.poisson(4), "poisson(4)", 0.0, 0.999),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_other_distributions_are_searched_by_their_shares(distribution: Any, text: str, low: float, high: float) -> None:
    found = read_space({"x": distribution})
    assert list(found.space) == ["x", "x.share"]
    assert found.space["x.share"].low == low  # type: ignore[union-attr]
    assert found.space["x.share"].high == high  # type: ignore[union-attr]
    assert f"law={text!r}" in repr(found.space)
    assert " at 0x" not in repr(found.space)
    for share in (low, 0.25, high):
        value = found.values(found.space.resolve({"x": text, "x.share": share}))["x"]
        assert value == distribution.ppf(share)
        assert np.isfinite(value)
        assert type(value) is (int if "poisson" in text else float)


def test_the_drawn_values_follow_the_distribution() -> None:
    """The bound is that of Kolmogorov and Smirnov's test at 200 draws, p > .05."""
    found, rng = read_space({"x": stats.gamma(2.0)}), np.random.default_rng(0)
    drawn = [found.values(found.space.resolve(found.space.sample(rng)))["x"] for _ in range(200)]
    assert stats.kstest(drawn, stats.gamma(2.0).cdf).pvalue > 0.05


@pytest.mark.parametrize(
    "value",
    [[1, 2], {0: 2.0, 1: 1.0}, np.arange(3.0), np.arange(5000), ("a", [1]), SVC(C=2.0), len, None, "text", 1.5],
    ids=repr,
)
def test_every_value_comes_back_as_it_was_given(value: Any) -> None:
    found = read_space({"x": [value, 0]})
    params = next(iter(found.space.corners()))
    back = found.values(found.space.resolve(params))["x"]
    assert back is value or (type(back), back) == (float, 1.5)
    assert "\n" not in repr(found.space)


def test_arrays_that_print_alike_are_told_apart() -> None:
    one, other = np.zeros(5000), np.zeros(5000)
    other[2500] = 1
    texts = [repr(read_space({"x": [array]}).space) for array in (one, other, np.zeros(5000))]
    assert texts[0] == texts[2] != texts[1]


def test_a_list_of_dicts_becomes_one_space_with_conditions() -> None:
    """The points are those of scikit-learn's own grid."""
    dicts = [
        {"kernel": ["rbf"], "gamma": [0.1, 1.0], "C": [1, 2]},
        {"kernel": ["poly"], "degree": [2, 3], "C": [1, 2]},
        {"kernel": ["linear"], "C": [5]},
    ]
    found = read_space(dicts)
    points = [found.values(found.space.resolve(params)) for params in found.space.grid()]
    key = lambda params: sorted(params.items(), key=str)  # noqa: E731
    assert sorted(map(key, points), key=str) == sorted(map(key, ParameterGrid(dicts)), key=str)
    assert repr(found.space["gamma"]) == "Choice(0.1, 1.0, when=(('subspace', ('1',)),))"
    assert repr(found.space["1.C"]) == "Choice(1, 2, when=(('subspace', ('1', '2')),))"


def test_a_parameter_of_all_dicts_has_no_condition_and_one_dict_needs_no_choice() -> None:
    assert read_space([{"C": [1, 2], "a": [1]}, {"C": [1, 2]}]).space["C"].conditions == ()
    assert list(read_space([{"C": [1, 2]}]).space) == ["C"]
    assert list(read_space([{"subspace": [1]}, {"C": [2]}]).space) == ["subspace_", "subspace", "C"]


def test_names_of_the_options_of_a_step_are_known() -> None:
    pipeline = Pipeline([("clf", SVC())])
    options = {"clf": [SVC(), RandomForestClassifier()]}
    read_space([options | {"clf__max_depth": [1]}, {"clf__C": [1.0]}]).check_names(pipeline)
    with pytest.raises(SettingError, match=r"A param of Pipeline must be one of .*, got 'clf__maxdepth'\. .* 'clf__max_depth'"):
        read_space(options | {"clf__maxdepth": [1]}).check_names(pipeline)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"space must be a Space, a dict or a list of dicts, with a parameter in each, got \{\}\. Write it as in"),
        ([], r"space must be a Space, a dict or a list of dicts, with a parameter in each, got \[\]\."),
        ([{"C": [1]}, {}], r"space must be .* with a parameter in each, got \[\{'C': \[1\]\}, \{\}\]\."),
        (Space(), r"space must be a Space, .*, got Space\(\)\."),
        ("C", r"space must be a Space, .*, got 'C'\."),
        ({1: [2]}, r"The name of a parameter of the space must be a text, got 1\."),
        ({"C": 1.0}, r"space\['C'\] must be a list of values, .*, got 1\.0\. Write \{'C': \[value\]\} for one value\."),
        ({"kernel": "rbf"}, r"space\['kernel'\] must be a list of values, .*, got 'rbf'\."),
        ({"C": []}, r"space\['C'\] must be a list with a value in it, got \[\]\. Add one, or leave it out\."),
        (
            {"C": RvsAlone()},
            r"space\['C'\] must be a list of values or a distribution of scipy\.stats, which has ppf\(\), got .*RvsAlone.*\. "
            r"Any other one can only be drawn from: write Float\(low, high\), or a list of draws\.",
        ),
    ],
)
def test_bad_spaces_are_named(given: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        read_space(given)
