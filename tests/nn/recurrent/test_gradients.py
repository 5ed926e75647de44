"""Backpropagation through time: against differences, against PyTorch, and with planted faults, which are found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import SettingError
from hpsearch.nn.arrays import Array
from hpsearch.nn.recurrent import Alphabet, Batch, RecurrentNetwork, check_gradient
from hpsearch.nn.recurrent.batches import sequences
from hpsearch.nn.recurrent.cell import CellPass
from hpsearch.nn.recurrent.passes import Passes

HELLO = Alphabet.of(["hello"])
# Lengths differ, so that there is something behind the end of a sequence.
EXAMPLES: dict[str, tuple[list[str], list[str]]] = {
    "many-to-many": (["hell", "he", "oo"], ["ello", "el", "lh"]),
    "many-to-one": (["hell", "heo", "o"], ["noun", "verb", "noun"]),
    "one-to-many": (["h", "e", "o"], ["ello", "l", "hh"]),
    "encoder-decoder": (["hell", "eo", "l"], ["lleh", "oel", "h"]),
}
CELLS: dict[str, dict[str, Any]] = {
    "one-hot": {},
    "embedding": {"embedding": 3},
    "first state": {"first_state": True},
    "both": {"embedding": 2, "first_state": True},
}


def network(seed: int = 0, **settings: Any) -> RecurrentNetwork:
    rng = np.random.default_rng(seed)
    made = RecurrentNetwork.create(HELLO, 5, rng, dtype="float64", **settings)
    if made.learns_first_state:
        made.cell.arrays["first_state"][:] = rng.normal(size=5)
    return made


def batch(seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    return Batch(rng.integers(0, 5, (6, 3)), rng.integers(0, 5, (6, 3)))


def task_network(task: str, **settings: Any) -> tuple[RecurrentNetwork, Batch]:
    inputs, outputs = EXAMPLES[task]
    labels = tuple(sorted(set(outputs))) if task == "many-to-one" else ()
    made = network(task=task, labels=labels, **settings)
    return made, sequences(made, inputs, outputs)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("carried", [False, True])
def test_every_array_of_a_text_network(name: str, carried: bool) -> None:
    first = np.random.default_rng(1).normal(size=(3, 5)) if carried else None
    found = check_gradient(network(**CELLS[name]), batch(), first)
    assert set(found) >= {"input", "recurrent", "bias", "output", "output_bias"}
    assert max(found.values()) <= 1e-7


@pytest.mark.parametrize("task", EXAMPLES)
@pytest.mark.parametrize("embedding", [None, 3])
def test_every_array_of_every_task(task: str, embedding: int | None) -> None:
    made, given = task_network(task, embedding=embedding)
    found = check_gradient(made, given)
    assert max(found.values()) <= 1e-7
    assert (task == "encoder-decoder") == ("encoder_recurrent" in found)


@pytest.mark.parametrize("task", ["many-to-many", "many-to-one", "one-to-many"])
def test_a_learnt_first_state_of_sequences(task: str) -> None:
    made, given = task_network(task, first_state=True)
    found = check_gradient(made, given)
    assert max(found.values()) <= 1e-7
    assert np.abs(Passes(made).gradient(given)[1]["first_state"]).max() > 1e-4


def test_a_single_step_and_a_single_stream() -> None:
    one = Batch(np.array([[1]]), np.array([[2]]))
    assert max(check_gradient(network(first_state=True), one).values()) <= 1e-7


@pytest.mark.parametrize("fault", ["slope", "no way back", "one step late", "no carry of the first state", "half an output"])
def test_a_planted_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, above = CellPass.backward, Passes._above

    def backward(self: CellPass, symbols: Array) -> Any:
        if fault == "slope":
            self.states[1:] *= 1.01  # 1 - h^2 of another h
        if fault == "no way back":
            self._backwards = [(now, flipped, slope, np.empty_like(before)) for now, flipped, slope, before in self._backwards]
        if fault == "one step late":
            self.deltas[:] = np.roll(self.deltas, 1, axis=0)
        gradients, by_first = whole(self, symbols)
        return gradients, by_first * (0.0 if fault == "no carry of the first state" else 1.0)

    def halved(self: Passes, *args: Any) -> dict[str, Array]:
        found = above(self, *args)
        return {**found, "output": found["output"] * 0.5} if fault == "half an output" else found

    monkeypatch.setattr(CellPass, "backward", backward)
    monkeypatch.setattr(Passes, "_above", halved)
    assert max(check_gradient(network(first_state=True), batch()).values()) > 1e-3


def test_float32_is_refused() -> None:
    made = RecurrentNetwork.create(HELLO, 3, np.random.default_rng(0))
    with pytest.raises(SettingError, match=r"dtype must be float64 for a gradient check, got 'float32'"):
        check_gradient(made, batch())


def test_cost_and_gradients_are_those_of_pytorch() -> None:
    """The source is torch.nn.RNN and torch.nn.functional.cross_entropy, in float64."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    made, given, first = network(), batch(), np.random.default_rng(1).normal(size=(3, 5))
    rnn, linear = torch.nn.RNN(5, 5, dtype=torch.float64), torch.nn.Linear(5, 5, dtype=torch.float64)
    arrays = made.arrays
    places = {
        "input": rnn.weight_ih_l0,
        "recurrent": rnn.weight_hh_l0,
        "bias": rnn.bias_ih_l0,
        "output": linear.weight,
        "output_bias": linear.bias,
    }
    with torch.no_grad():
        for name, parameter in places.items():
            parameter.copy_(torch.tensor(arrays[name]))
        rnn.bias_hh_l0.zero_()
    x = torch.nn.functional.one_hot(torch.tensor(given.symbols), 5).double()
    outputs, last = rnn(x, torch.tensor(first)[None])
    cost = torch.nn.functional.cross_entropy(linear(outputs).reshape(-1, 5), torch.tensor(given.targets).reshape(-1))
    cost.backward()
    ours, gradients, state = Passes(made).gradient(given, first)
    assert ours == pytest.approx(cost.item(), rel=1e-12)
    np.testing.assert_allclose(state, last[0].detach().numpy(), rtol=0, atol=1e-12)
    for name, parameter in places.items():
        np.testing.assert_allclose(gradients[name], parameter.grad.numpy(), rtol=0, atol=1e-12)


def test_what_stands_behind_the_end_of_a_sequence_changes_nothing() -> None:
    for task in EXAMPLES:
        made, given = task_network(task)
        cost, gradients, _ = Passes(made).gradient(given)
        filled = given.symbols.copy()
        read = None if given.read is None else given.read.copy()
        for column in range(3):
            last = int(np.flatnonzero(given.targets[:, column] >= 0).max())
            filled[last + 1 :, column] = 3
            if read is not None and given.lengths is not None:
                read[given.lengths[column] :, column] = 3
        again, others, _ = Passes(made).gradient(replace(given, symbols=filled, read=read))
        assert again == cost
        for name in gradients:
            np.testing.assert_array_equal(gradients[name], others[name])
