"""Names from outside stay inside their folder, and different names stay different."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.tracking import MlflowTracker
from hpsearch.tracking.store import names
from tests.tracking.sample import text, tracked, trials

HOSTILE = [
    "../x", "a/b", "/etc/passwd", "<script>alert(1)</script>", "it's \"quoted\"", "%00", "%2e%2e%2f", "..", ".", "a\\b",
    "Default", "42", "smörgås 日本 🎉", "x" * 200, "x; DROP TABLE runs;--", "a`b", " padded ", "${HOME}", "CON", "new\nline",
]  # fmt: skip


@given(st.text())
def test_a_slug_is_one_harmless_folder_name(name: str) -> None:
    slug = names.slug(name)
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    assert slug.strip("-.")
    assert len(slug) < 80
    assert not slug.isdigit()


@given(st.text(), st.text())
def test_different_names_have_different_slugs(one: str, other: str) -> None:
    assert (names.slug(one) == names.slug(other)) == (one == other)


@given(st.lists(st.text(), unique=True), st.booleans())
def test_keys_are_distinct_and_accepted(given_names: list[str], reserved: bool) -> None:
    from mlflow.utils.validation import _validate_metric_name

    keys = names.keys(given_names, {"value"} if reserved else set(), "curve.")
    assert len(set(keys.values())) == len(given_names)
    for key in keys.values():
        _validate_metric_name(key)


@given(st.text(alphabet=st.characters(codec="utf-8")), st.integers(1, 7))
def test_a_packed_text_comes_back(text: str, repeat: int) -> None:
    assert names.unpack_text(names.pack_text("t", text * repeat * 1000), "t") == text * repeat * 1000


@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_a_fitted_text_is_short_and_tells_texts_apart(one: str, other: str) -> None:
    long, longer = one * 6000, one * 6000 + other
    assert len(names.fit_text(long)) <= names.TAG_LIMIT
    assert (names.fit_text(long) == names.fit_text(longer)) == (names.clean_text(long) == names.clean_text(longer))


def test_hostile_study_names_are_kept_apart_and_inside(root: Path, tracker: MlflowTracker) -> None:
    for name in HOSTILE:
        tracker.start(tracked(name))
        tracker.record(trials()[0])
        tracker.finish("finished", [])
    for name in HOSTILE:
        found = MlflowTracker(root=root).find(tracked(name))
        assert found is not None
        assert text(found.trials) == text(trials()[:1])
    folders = {path.name for path in (root / "mlruns" / "artifacts").iterdir()}
    assert folders == {names.slug(name) for name in HOSTILE}
    assert {path.name for path in root.parent.iterdir()} == {"project"}


@pytest.mark.parametrize("name", ["../../evil.txt", "/etc/evil", "a\\..\\b", "traceback.txt", "..", "a//b"])
def test_artifacts_stay_under_their_run(root: Path, name: str) -> None:
    from hpsearch.tracking.runs.trial_keys import file_paths

    path = Path("/run", file_paths([name])[name])
    assert path.resolve().is_relative_to("/run")
    assert path.name not in ("", "traceback.txt")
