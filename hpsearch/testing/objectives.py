"""Contract tests of an objective: outcome, optional values and optional methods."""

from __future__ import annotations

import math
import pickle

import numpy as np

from hpsearch.execution.outcome import to_outcome
from hpsearch.ports import AnyObjective, Context, DataSet, ObjectiveBase, adapt_objective
from hpsearch.space import Params
from hpsearch.trial import Outcome


class ObjectiveContract:
    """Tests that every objective passes: an `ObjectiveBase`, or any callable that a study accepts."""

    def make(self) -> AnyObjective:
        """Return the objective under test; called again, return an equal one."""
        raise NotImplementedError

    def params(self) -> Params:
        """Return params that the objective accepts."""
        raise NotImplementedError

    def outcome(self, seed: int = 0) -> Outcome:
        """Run the objective once."""
        return _run(adapt_objective(self.make()), self.params(), seed)

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
        assert set(objective.required) <= set(self.params())

    def test_optional_values_are_of_their_kind(self) -> None:
        """Adapting raises an error that names the first attribute of another kind; data is checked here."""
        objective = adapt_objective(self.make())
        assert objective.data is None or isinstance(objective.data, DataSet)
        assert objective.measure

    def test_optional_methods_work(self) -> None:
        """Those in `capabilities`, except ``preflight`` and ``test``, which need a space and the sealed test part."""
        objective, params = adapt_objective(self.make()), self.params()
        if "check" in objective.capabilities:
            objective.check(params)
        if "prepare" in objective.capabilities:
            objective.prepare()
        if "shrunk" in objective.capabilities:
            assert math.isfinite(_run(adapt_objective(objective.shrunk()), params).value)
        if "refit" in objective.capabilities:
            for rows in ("all", "training"):
                assert hasattr(objective.refit(params, Context(np.random.default_rng(0), budget=1), rows), "predict")
        if "predictions" in objective.capabilities:
            found = objective.predictions(params, Context(np.random.default_rng(0), budget=1))
            assert len(found.truth) == len(found.predicted) > 0
        if "export" in objective.capabilities:
            state = _run(objective, params).state
            exported = objective.export(params, Context(np.random.default_rng(0), budget=1, state=state))
            assert len(exported.outputs) == len(exported.example) > 0


def _run(objective: ObjectiveBase, params: Params, seed: int = 0) -> Outcome:
    context = Context(np.random.default_rng(seed), budget=1)
    returned = objective(params, context)
    return returned if isinstance(returned, Outcome) else to_outcome(returned, context)
