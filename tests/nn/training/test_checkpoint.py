"""A generator's state goes through an array and comes back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.errors import SettingError
from hpsearch.nn.training.checkpoint import generator_from_array, generator_to_array


@given(seed=st.integers(0, 2**63), drawn=st.integers(0, 5))
def test_goes_on_where_it_was(seed: int, drawn: int) -> None:
    rng = np.random.default_rng(seed)
    rng.integers(0, 9, drawn, dtype=np.int32)  # an odd number of these leaves half a word behind
    twin = generator_from_array(generator_to_array(rng))
    assert twin.integers(0, 9, 3, dtype=np.int32).tolist() == rng.integers(0, 9, 3, dtype=np.int32).tolist()
    np.testing.assert_array_equal(twin.permutation(20), rng.permutation(20))


def test_refuses_another_kind() -> None:
    with pytest.raises(SettingError, match=r"The generator must be a PCG64 one, got 'MT19937'\."):
        generator_to_array(np.random.Generator(np.random.MT19937(0)))
