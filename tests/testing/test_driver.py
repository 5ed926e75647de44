"""Driving a strategy without a study, and the imports of `hpsearch.testing` without pytest."""

from __future__ import annotations

import subprocess
import sys

import pytest

import hpsearch.testing
from hpsearch.strategies import Halving, Random
from hpsearch.testing import SPACES, drive, table
from hpsearch.trial import Outcome, Status, Trial

WITHOUT_PYTEST = """
import sys
sys.modules["pytest"] = None  # what `import` finds if a package is blocked
from hpsearch.strategies import Random
from hpsearch.testing import SPACES, ObjectiveContract, TrackerContract, check_gradient, drive, table
batches, trials = drive(Random(trials=3), SPACES["mixed"])
print(len(batches), len(table(trials)))
try:
    from hpsearch.testing import StrategyContract
except ModuleNotFoundError as error:
    print(error)
"""


def test_only_the_contract_of_a_strategy_needs_pytest() -> None:
    """In a process where pytest cannot be imported."""
    ran = subprocess.run([sys.executable, "-c", WITHOUT_PYTEST], capture_output=True, text=True, check=True)
    message = "StrategyContract needs the package 'pytest', which is not installed. Run: pip install pytest."
    assert ran.stdout.splitlines() == ["1 3", message]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'hpsearch.testing' has no attribute 'StrategyContrct'"):
        _ = hpsearch.testing.StrategyContrct


def test_trials_are_numbered_in_the_order_of_the_proposals_and_keep_what_was_proposed() -> None:
    batches, trials = drive(Halving(trials=4, min_epochs=1, max_epochs=4, factor=2), SPACES["one float"])
    proposals = [proposal for batch in batches for proposal in batch.proposals]
    assert [trial.number for trial in trials] == list(range(7))
    assert [(t.params, t.budget, t.continues) for t in trials] == [(p.params, p.budget, p.continues) for p in proposals]
    assert [trial.stage for trial in trials] == ["rung-0"] * 4 + ["rung-1"] * 2 + ["rung-2"]


def test_the_value_of_a_trial_is_its_squared_distance_in_the_unit_cube() -> None:
    """On [-1, 2] the point 0.3 of the unit interval is -0.1."""
    _, trials = drive(Random(trials=5), SPACES["one float"])
    assert [t.value for t in trials] == pytest.approx([((t.params["x"] + 0.1) / 3) ** 2 for t in trials])


def test_trials_can_fail_or_end_as_the_caller_says() -> None:
    _, failed = drive(Random(trials=2), SPACES["log"], fail=True)
    assert [(t.status, t.error) for t in failed] == [(Status.FAILED, "planted")] * 2
    _, ended = drive(Random(trials=2), SPACES["log"], end=lambda n, p, s: Trial(n, p.params, s, Status.FINISHED, Outcome(n)))
    assert [t.value for t in ended] == [0, 1]


def test_tables_differ_in_the_last_bit_of_a_value() -> None:
    trials = [Trial(0, {"x": 1}, "all", Status.FINISHED, Outcome(value)) for value in (0.3, 0.1 + 0.2)]
    assert table(trials[:1]) != table(trials[1:])
    assert table(trials[:1]) == table([Trial(0, {"x": 1}, "all", Status.FINISHED, Outcome(0.3), seconds=9.0)])
