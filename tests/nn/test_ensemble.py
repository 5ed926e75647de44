"""Ensembles that vote, or whose members differ: counted by hand, saved, loaded, and refused where they do not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import VotingClassifier

from hpsearch.errors import DataError, SettingError
from hpsearch.nn import Ensemble, Network, load, save
from hpsearch.nn.arrays import Array
from hpsearch.nn.inputs import Inputs, fit_numbers
from hpsearch.nn.table_network import TableNetwork, combine
from hpsearch.objectives.fitted import NetworkClassifier
from tests.nn.blobs import CLASSES, INPUTS, blobs


def saying(*answers: int, sure: float = 1.0) -> Ensemble:
    """Return networks of which each says one class, whatever the inputs are."""
    biases = [np.where(np.arange(10) == answer, sure, 0.0) for answer in answers]
    return Ensemble([Network([np.zeros((10, 2))], [bias], cost_name="log_likelihood") for bias in biases], vote=True)


def of_numbers() -> Network:
    return Network([np.zeros((1, 2))], [np.zeros(1)], cost_name="squared_error")


def networks(count: int = 5, **settings: Any) -> list[Network]:
    return [Network.create((INPUTS, 5, CLASSES), np.random.default_rng(i), **settings) for i in range(count)]


def test_three_of_five_say_three() -> None:
    ensemble = saying(3, 8, 3, 5, 3)
    assert ensemble.predict(np.zeros((2, 2))).tolist() == [3, 3]
    assert ensemble.votes(np.zeros((1, 2)))[0].tolist() == [0, 0, 0, 3, 0, 1, 0, 0, 1, 0]
    assert ensemble.accuracy(np.zeros((4, 2)), np.array([3, 3, 3, 8])) == 0.75


def test_a_vote_is_not_the_mean() -> None:
    """Three that are hardly sure of 3 outvote two that are very sure of 8; the mean says 8."""
    parts = [*saying(3, 3, 3, sure=0.1).networks, *saying(8, 8, sure=5.0).networks]
    assert Ensemble(parts).predict(np.zeros((1, 2)))[0] == 8
    assert Ensemble(parts, vote=True).predict(np.zeros((1, 2)))[0] == 3


def test_equal_votes_go_to_the_larger_mean_output() -> None:
    parts = [*saying(3, sure=0.1).networks, *saying(8, sure=5.0).networks, *saying(1, sure=1.0).networks]
    assert Ensemble(parts, vote=True).predict(np.zeros((1, 2)))[0] == 8


@pytest.mark.parametrize("cost", ["cross_entropy", "hinge", "quadratic_tanh"])
def test_votes_are_those_of_scikit_learn(cost: str) -> None:
    """Its classifier gives equal votes to the lowest class, so rows with equal votes are left out."""
    x, labels = blobs(300)
    ensemble = Ensemble(networks(cost=cost), vote=True)
    theirs = VotingClassifier([(str(i), NetworkClassifier(one)) for i, one in enumerate(ensemble.networks)])
    theirs.estimators_, theirs.le_ = [NetworkClassifier(one) for one in ensemble.networks], None
    votes = np.sort(ensemble.votes(x), axis=1)
    clear = votes[:, -1] > votes[:, -2]
    wanted = np.apply_along_axis(lambda row: np.bincount(row).argmax(), 1, theirs._predict(x))
    np.testing.assert_array_equal(ensemble.predict(x)[clear], wanted[clear])
    assert 0 < clear.sum() < len(clear) or clear.all()
    assert ensemble.score(x, labels).accuracy == np.mean(ensemble.predict(x) == labels)
    assert ensemble.score(x, labels, np.ones(300)).accuracy == pytest.approx(np.mean(ensemble.predict(x) == labels))
    assert ensemble.score(x, labels).cost == Ensemble(ensemble.networks).score(x, labels).cost


def different() -> list[Network]:
    wide = Network.create((INPUTS, 9, 4, CLASSES), np.random.default_rng(7), activation="relu")
    return [*networks(2), wide]


@pytest.mark.parametrize(("parts", "vote"), [(networks(), True), (different(), False), (different(), True)])
def test_they_come_back_from_a_file_to_the_bit(parts: list[Network], vote: bool, tmp_path: Path) -> None:
    ensemble, (x, _) = Ensemble(parts, vote), blobs(50)
    save(ensemble, tmp_path / "some.npz")
    again = load(tmp_path / "some.npz")
    assert isinstance(again, Ensemble)
    assert again.vote == vote
    assert [one.sizes for one in again.networks] == [one.sizes for one in parts]
    assert again.forward(x).tobytes() == ensemble.forward(x).tobytes()
    assert again.predict(x).tolist() == ensemble.predict(x).tolist()


def test_the_file_of_an_ensemble_of_today_stays_as_it_was(tmp_path: Path) -> None:
    save(Ensemble(networks(2)), tmp_path / "two.npz")
    with np.load(tmp_path / "two.npz") as file:
        told = json.loads(file["architecture"].item())
    assert told["members"] == 2
    assert "vote" not in told


def test_a_damaged_list_of_members_is_refused(tmp_path: Path) -> None:
    save(Ensemble(networks(2), vote=True), tmp_path / "two.npz")
    with np.load(tmp_path / "two.npz") as file:
        arrays: dict[str, Array] = {name: file[name] for name in file.files}
    told = json.loads(arrays["architecture"].item())
    for changes, sentence in (
        ({"members": []}, "Members of a saved ensemble must be a whole number"),
        ({"members": told["members"][:1]}, "Arrays of a saved ensemble must be those of its 1 members"),
        ({"members": [1, 2]}, "Layers of a saved network must be a list"),
        ({"vote": "yes"}, "vote must be True or False"),
    ):
        np.savez(tmp_path / "bad.npz", **arrays | {"architecture": np.array(json.dumps(told | changes))})  # type: ignore[arg-type]
        with pytest.raises(DataError, match=sentence):
            load(tmp_path / "bad.npz")


def test_networks_of_tables_are_combined_with_their_encoding() -> None:
    inputs = Inputs((fit_numbers("a", [1.0, 2.0, 3.0], True), fit_numbers("b", [0.5, 0.1, 0.2], True)))
    parts = [TableNetwork(Network.create((inputs.width, 2), np.random.default_rng(i)), inputs, ["no", "yes"]) for i in range(3)]
    rows = {"a": [1.0, 9.0], "b": [0.3, 0.3]}
    found = combine(parts, vote=True)
    assert isinstance(found, TableNetwork)
    assert set(found.predict(rows)) <= {"no", "yes"}
    np.testing.assert_allclose(found.forward(rows), np.mean([one.forward(rows) for one in parts], axis=0), rtol=1e-6)
    with pytest.raises(SettingError, match="Networks of an ensemble must be with the same encoding of their inputs"):
        combine([parts[0], TableNetwork(parts[1].network, inputs, ["yes", "no"])])
    with pytest.raises(SettingError, match="Networks of an ensemble must be with the same encoding"):
        combine([parts[0], parts[1].network])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Ensemble([]), r"Networks of an ensemble must be one or more, alike, got 'none'\."),
        (lambda: Ensemble([*networks(1), *networks(1, cost="hinge")]), "got '6 inputs, 3 outputs, cross_entropy; 6 inputs"),
        (lambda: Ensemble([of_numbers()], vote=True), r"vote must be False for networks that predict numbers, got True\."),
        (lambda: Ensemble(networks(1), vote="hard"), r"vote must be True or False, got 'hard'\."),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(make: Any, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        make()
