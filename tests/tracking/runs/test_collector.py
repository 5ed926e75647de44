"""The garbage collector is as it was after a pause, whatever happened in it."""

from __future__ import annotations

import gc
from contextlib import suppress

import pytest

from hpsearch.tracking.runs.collector import collector_paused


@pytest.mark.parametrize("was_on", [True, False])
def test_a_pause_ends_with_its_block(was_on: bool) -> None:
    before = gc.isenabled()
    (gc.enable if was_on else gc.disable)()
    try:
        with suppress(KeyError), collector_paused():
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() == was_on
    finally:
        (gc.enable if before else gc.disable)()
