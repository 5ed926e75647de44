"""What is fetched later: only what is asked for, and only once."""

from __future__ import annotations

import pickle

from hpsearch.tracking.runs.trial_decoding import Lazy


def test_names_are_known_without_fetching() -> None:
    fetched: list[str] = []

    def fetch(name: str) -> int:
        fetched.append(name)
        return len(name)

    lazy = Lazy(["a", "bb"], fetch)
    assert ("a" in lazy, "c" in lazy, list(lazy), len(lazy)) == (True, False, ["a", "bb"], 2)
    assert fetched == []
    assert (lazy["bb"], lazy["bb"], lazy.get("c")) == (2, 2, None)
    assert fetched == ["bb"]
    assert lazy == {"a": 1, "bb": 2}
    assert pickle.loads(pickle.dumps(lazy)) == {"a": 1, "bb": 2}
