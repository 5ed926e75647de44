"""The contract of an objective."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np

from hpsearch.ports import Context, adapt_objective
from hpsearch.space import Params
from hpsearch.trial import Outcome


class ObjectiveContract:
    """The law of the Objective port."""

    def make(self) -> Any:
        """Return the objective under test."""
        raise NotImplementedError

    def params(self) -> Params:
        """Return params that the objective accepts."""
        raise NotImplementedError

    def outcome(self, seed: int = 0) -> Outcome:
        """Run the objective once."""
        answer = adapt_objective(self.make())(self.params(), Context(np.random.default_rng(seed), budget=1))
        assert isinstance(answer, Outcome)
        return answer

    def test_same_random_numbers_same_outcome(self) -> None:
        assert repr(self.outcome()) == repr(self.outcome())

    def test_value_and_metrics_are_finite_python_floats(self) -> None:
        outcome = self.outcome()
        for number in (outcome.value, *outcome.metrics.values()):
            assert type(number) is float
            assert math.isfinite(number)

    def test_pickles(self) -> None:
        assert repr(pickle.loads(pickle.dumps(self.make()))) == repr(self.make())

    def test_names_its_parameters(self) -> None:
        objective = adapt_objective(self.make())
        accepted = objective.parameters
        assert accepted is None or set(self.params()) <= set(accepted)
        assert set(objective.required) <= set(accepted or ())
