"""Saved networks by their content: equal content is equal, whatever the file is called; and what is none."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from hpsearch.errors import DataError, SettingError
from hpsearch.nn import Ensemble, Network, SavedNetwork, save


def network_of(seed: int = 0, sizes: tuple[int, ...] = (4, 3, 2)) -> Network:
    return Network.create(sizes, np.random.default_rng(seed))


def test_the_same_network_is_equal_from_any_file_and_from_memory(tmp_path: Path) -> None:
    network = network_of()
    for name in ("a.npz", "b.npz"):
        save(network, tmp_path / name)
    found = [SavedNetwork.of("start", source) for source in (str(tmp_path / "a.npz"), tmp_path / "b.npz", network)]
    assert len(set(found)) == 1
    assert len({repr(one) for one in found}) == 1
    assert SavedNetwork.of("start", found[0]) is found[0]
    assert str(tmp_path) not in repr(found[0])


def test_another_network_under_the_same_name_is_another(tmp_path: Path) -> None:
    path, found = tmp_path / "net.npz", []
    for seed in (0, 1):
        save(network_of(seed), path)
        found.append(SavedNetwork.of("start", path))
    assert found[0] != found[1]
    assert repr(found[0]) != repr(found[1])


def test_a_single_bit_counts() -> None:
    one, other = network_of(), network_of()
    other.weights[1][0, 0] = np.nextafter(other.weights[1][0, 0], np.float32(9))
    assert SavedNetwork.of("start", one) != SavedNetwork.of("start", other)


def test_later_changes_of_file_and_network_do_not_count(tmp_path: Path) -> None:
    network, path = network_of(), tmp_path / "net.npz"
    save(network, path)
    ours, theirs = SavedNetwork.of("start", path), SavedNetwork.of("start", network)
    path.unlink()
    network.weights[0][:] = 0
    assert ours.network.weights[0].tobytes() == theirs.network.weights[0].tobytes() == network_of().weights[0].tobytes()  # type: ignore[union-attr]


def test_travels_without_its_file(tmp_path: Path) -> None:
    save(network_of(), tmp_path / "net.npz")
    saved = SavedNetwork.of("start", tmp_path / "net.npz")
    sent = pickle.dumps(saved)  # as joblib sends it to a worker
    (tmp_path / "net.npz").unlink()
    assert pickle.loads(sent) == saved
    assert str(tmp_path).encode() not in sent


def test_copies_of_estimators_share_it() -> None:
    saved = SavedNetwork.of("network", network_of())
    assert clone(saved, safe=False) is saved


def test_holds_an_ensemble_too() -> None:
    ensemble = Ensemble([network_of(0), network_of(1)])
    assert isinstance(SavedNetwork.of("network", ensemble).network, Ensemble)


@pytest.mark.parametrize("source", [3, None, b"net.npz", {"weights": 1}])
def test_refuses_what_is_no_network(source: Any) -> None:
    with pytest.raises(SettingError, match=r"^start must be a network, or the path of a saved one, got .*\. Write start="):
        SavedNetwork.of("start", source)


def test_refuses_files_that_are_missing_or_no_network(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^Network file '.*none.npz' must be one of plain arrays and JSON, got 'No such file"):
        SavedNetwork.of("start", tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(DataError, match=r"^Network file .*got 'another kind of file'\. Write one with hpsearch\.nn\.save"):
        SavedNetwork.of("start", tmp_path / "text.npz")
    np.savez(tmp_path / "arrays.npz", x=np.zeros(3))
    with pytest.raises(DataError, match=r"^Network file .*got \"one without 'architecture'\"\."):
        SavedNetwork.of("start", tmp_path / "arrays.npz")
