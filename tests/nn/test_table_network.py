"""A network with the encoding of its inputs: labels for rows of a table, and the file it is saved to."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import DataError, SettingError
from hpsearch.nn import Network, load, save
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.inputs import Inputs, fit_numbers, fit_options
from hpsearch.nn.plain_data import as_data, from_data
from hpsearch.nn.table_network import TableNetwork
from tests.saved_network import SavedNetwork

INPUTS = Inputs((fit_numbers("age", [1.0, None, 3.0], True), fit_options("city", ["Rome", "Oslo", "Łódź"])))
ROWS: dict[str, list[Any]] = {"age": [3.0, None, 2.0, 9.0], "city": ["Oslo", "Rome", None, "Łódź"]}


def network(seed: int = 0, outputs: int = 3) -> Network:
    return Network.create((INPUTS.width, 4, outputs), np.random.default_rng(seed), cost="log_likelihood", dtype="float64")


@pytest.mark.parametrize(
    "labels",
    [("a", "", "é"), (False, True, 2), (-5, 0, 7), (-1, 1, 2**63), (2**70, 2**71, 2**72), (2**63, 2**63 + 1, 2**63 + 5)],
)
@pytest.mark.parametrize("members", [1, 2])
def test_labels_come_back_from_the_file_and_from_the_reader(labels: tuple[Any, ...], members: int, tmp_path: Path) -> None:
    one = network() if members == 1 else Ensemble([network(seed) for seed in range(members)])
    saved = TableNetwork(one, INPUTS, labels)
    wanted = [labels[i] for i in one.predict(INPUTS.encode(ROWS, "float64"))]
    assert saved.predict(ROWS).tolist() == wanted
    save(saved, tmp_path / "n.npz")
    again = load(tmp_path / "n.npz")
    assert isinstance(again, TableNetwork)
    assert again.predict(ROWS).tolist() == wanted
    assert again.forward(ROWS).tobytes() == saved.forward(ROWS).tobytes()
    reader = SavedNetwork(tmp_path / "n.npz")
    assert reader.predict(ROWS, labels=True).tolist() == wanted
    np.testing.assert_allclose(reader.predict(ROWS), saved.forward(ROWS), rtol=1e-12)


def test_new_options_count_as_none_and_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    found = TableNetwork(network(), INPUTS, ("a", "b", "c"))
    rows = {"age": [2.0] * 5, "city": ["Bonn", "Ulm", "Köln", "Jena", "Rome"]}
    with caplog.at_level(logging.WARNING):
        outputs = found.forward(rows)
        found.predict(rows)
    (message,) = caplog.messages
    assert message.startswith("Column 'city' holds 'Bonn', 'Ulm', 'Köln' and 1 more, which the network was not trained on: it")
    np.testing.assert_array_equal(outputs[:4], found.forward({"age": [2.0] * 4, "city": [None] * 4}))


def test_score_is_that_of_the_encoded_rows() -> None:
    found, y = TableNetwork(network(), INPUTS, ("a", "b", "c")), np.array([0, 1, 2, 1])
    assert found.score(ROWS, y) == network().score(INPUTS.encode(ROWS, "float64"), y)
    assert found.sizes == network().sizes


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "c", "d"), (1.5, 2.5, 3.5), (["a"], ["b"], ["c"]), (None,) * 3])
def test_labels_must_fit_the_outputs(labels: Any) -> None:
    with pytest.raises(SettingError, match="The labels of 3 outputs must be a text or a whole number each, or none, got"):
        TableNetwork(network(), INPUTS, labels)


def test_inputs_must_fit_the_network() -> None:
    other = Inputs((fit_numbers("age", [1.0, 2.0], True),))
    with pytest.raises(SettingError, match=r"The inputs of a network must be 5, got 1\. Take the encoding"):
        TableNetwork(network(), other, ())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"inputs": "city"}, "Inputs of a saved network must be a list of columns"),
        ({"inputs": None}, "Inputs of a saved network must be a list of columns"),
        ({"inputs": []}, "The inputs of a network must be 5, got 0."),
        ({"labels": "abc"}, "Labels of a saved network must be a list, got 'abc'. Save it again."),
        ({"labels": ["a"]}, "The labels of 3 outputs must be a text or a whole number each, or none, got ['a']."),
        ({"version": 4}, "Format version of a saved network must be a whole number in [1, 3], got 4."),
    ],
)
def test_a_damaged_file_is_refused_with_its_name(changes: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    description, arrays = as_data(TableNetwork(network(), INPUTS, ("a", "b", "c")))
    with pytest.raises(SettingError):
        from_data({**description, **changes}, arrays)
    inside: Any = {"architecture": np.array(json.dumps({**description, **changes})), **arrays}
    np.savez(tmp_path / "odd.npz", **inside)
    with pytest.raises(DataError) as caught:
        load(tmp_path / "odd.npz")
    assert sentence in str(caught.value)
    assert "odd.npz' holds no network that can be used" in str(caught.value)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    """An object array that would make a folder, if it were read."""
    import os

    class Trap:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "trapped"),)

    description, arrays = as_data(TableNetwork(network(), INPUTS, ("a", "b", "c")))
    trap = np.array([Trap()], object)
    inside: Any = {"architecture": np.array(json.dumps(description)), **arrays, "weights_0": trap}
    np.savez(tmp_path / "trap.npz", **inside)
    with pytest.raises(DataError, match="must be one of plain arrays and JSON"):
        load(tmp_path / "trap.npz")
    with pytest.raises(ValueError, match=r"trap\.npz must hold plain arrays of numbers"):
        SavedNetwork(tmp_path / "trap.npz")
    assert not (tmp_path / "trapped").exists()


def test_no_rows_are_refused_as_by_any_network() -> None:
    with pytest.raises(DataError, match=r"x must be of shape \(n, d\) and not empty, got \(0, 5\)\."):
        TableNetwork(network(), INPUTS, ("a", "b", "c")).predict({"age": [], "city": []})
