"""The reproductions there are, by name."""

from __future__ import annotations

from hpsearch.errors import SettingError, did_you_mean, must_be
from hpsearch.reproductions.grid_vs_random import GRID_VS_RANDOM
from hpsearch.reproductions.reproduction import Reproduction
from hpsearch.reproductions.svm_vs_network import SVM_VS_NETWORK

REPRODUCTIONS: tuple[Reproduction, ...] = (GRID_VS_RANDOM, SVM_VS_NETWORK)


def named(name: str) -> Reproduction:
    """Return the reproduction of that name.

    Raises:
        SettingError: there is none.
    """
    known = {one.name: one for one in REPRODUCTIONS}
    if name not in known:
        advice = f"Take one of them.{did_you_mean(name, known)}"
        raise SettingError(must_be("NAME", f"one of {', '.join(known)}", name, advice))
    return known[name]
