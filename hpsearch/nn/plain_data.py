"""Networks, ensembles and table networks as plain data: a JSON description, and arrays by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpsearch.checks import integer, is_integer
from hpsearch.errors import SettingError, must_be
from hpsearch.nn import export
from hpsearch.nn.arrays import Array
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.inputs import Inputs
from hpsearch.nn.network import Network
from hpsearch.nn.table_network import TableNetwork

AnyNetwork = Network | Ensemble | TableNetwork
# Of the format of a network whose inputs are encoded; others keep that of `hpsearch.nn.export`, which earlier readers know.
VERSION = 3


def as_data(network: AnyNetwork) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the description of a network, plain JSON data, and its arrays by name; see `hpsearch.nn.export`.

    For an ensemble the description holds the common architecture and the number of ``members``; the arrays are
    ``member_0_weights_0`` and so on. For a table network it holds its ``inputs`` and ``labels`` too.
    """
    if not isinstance(network, TableNetwork):
        return _as_data(network)
    description, arrays = _as_data(network.network)
    own = {"version": VERSION, "inputs": network.inputs.description(), "labels": list(network.labels)}
    return description | own, arrays


def from_data(description: Mapping[str, Any], arrays: Mapping[str, Array]) -> AnyNetwork:
    """Return the network that `as_data` described, to the bit.

    Raises:
        SettingError: see `hpsearch.nn.export.restore`.
    """
    if description.get("kind") == "recurrent":
        raise SettingError(must_be("A saved network", "a fully connected one", "recurrent", "Take hpsearch.nn.recurrent.load."))
    version = description.get("version")
    if version != VERSION:
        if is_integer(version) and version > VERSION:
            advice = "Take the hpsearch that wrote it, or a newer one."
            integer("Format version of a saved network", version, 1, advice, most=VERSION)
        return _from_data(description, arrays)
    network = _from_data({**description, "version": export.VERSION}, arrays)
    labels = description.get("labels", [])
    if not isinstance(labels, list):
        raise SettingError(must_be("Labels of a saved network", "a list", labels, "Save it again."))
    return TableNetwork(network, Inputs.restore(description.get("inputs")), labels)


def _as_data(network: Network | Ensemble) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the description of a network, plain JSON data, and its arrays by name; see `hpsearch.nn.export`.

    For an ensemble the description holds the common architecture and the number of ``members``; the
    arrays are ``member_0_weights_0`` and so on. Of one that votes, or whose members differ, ``members`` is a list of their
    layers, which earlier readers refuse, and ``vote`` says whether they vote.
    """
    if not isinstance(network, Ensemble):
        return export.architecture(network.plain), export.weights(network.plain)
    members = [member.plain for member in network.networks]
    told = [export.architecture(member) for member in members]
    description: dict[str, Any] = told[0] | {"members": len(members)}
    if network.vote or any(one != told[0] for one in told):
        description |= {"members": [one["layers"] for one in told], "vote": network.vote}
    return description, {f"member_{i}_{name}": a for i, m in enumerate(members) for name, a in export.weights(m).items()}


def _from_data(description: Mapping[str, Any], arrays: Mapping[str, Array]) -> Network | Ensemble:
    """Return the network or the ensemble that `as_data` described, to the bit.

    Raises:
        SettingError: see `hpsearch.nn.export.restore`.
    """
    if "members" not in description:
        return export.restore(description, arrays)
    listed = description["members"]
    count = len(listed) if isinstance(listed, list) else listed
    members = integer("Members of a saved ensemble", count, 1, "Save the ensemble again.", most=len(arrays))
    own: list[dict[str, Array]] = [{} for _ in range(members)]
    for name, array in arrays.items():
        member, _, rest = name.removeprefix("member_").partition("_")
        if not name.startswith("member_") or not member.isdecimal() or int(member) >= members:
            what = "Arrays of a saved ensemble"
            raise SettingError(must_be(what, f"those of its {members} members", name, "Save the ensemble again."))
        own[int(member)][rest] = array
    told = [{**description, "layers": listed[i]} if isinstance(listed, list) else description for i in range(members)]
    return Ensemble([export.restore(*both) for both in zip(told, own, strict=True)], description.get("vote", False))
