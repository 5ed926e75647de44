"""Secrets of addresses: hidden in every text that quotes them, whatever their form."""

from __future__ import annotations

import traceback
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.errors import TrackingError
from hpsearch.tracking.store import redaction
from hpsearch.tracking.store.client import reraised_as_tracking_error
from hpsearch.tracking.store.redaction import hide_secrets, public_address, remember_secrets
from hpsearch.tracking.store.store import Store

SCHEMES = ("http", "https", "postgresql", "postgresql+psycopg2", "mysql+pymysql", "mssql+pyodbc", "htps", "sqlite")
QUERIES = ("?password={}", "?user=me&password={}", "?sslmode=require&sslpassword={}", "?access_token={}", "?api_key={}&x=1")


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what earlier tests made known."""
    monkeypatch.setattr(redaction, "_known", set())


# Letters alone would never be quoted; the first and last ones make each secret one that no sentence holds by chance.
secrets = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=("Cc", "Cs", "Zs")), max_size=12).map(
    lambda text: f"q7Zx{text}X9vk"
)


@given(scheme=st.sampled_from(SCHEMES), secret=secrets)
def test_no_part_of_a_quoted_password_is_shown(scheme: str, secret: str) -> None:
    """The forms that an address can have by RFC 3986, each in a sentence, in quotes, and as an option of a command."""
    hidden = quote_plus(secret)
    addresses = [f"{scheme}://me:{hidden}@host:5000/x", f"{scheme}://host/db{QUERIES[len(secret) % 5].format(hidden)}"]
    if scheme in ("http", "https", "htps"):
        addresses += [f"{scheme}://{hidden}@host", f"{scheme}://{hidden}:x-oauth-basic@host"]
    for address in addresses:
        for text in (f"The store {address} is away.", repr(address), f"hpsearch ui --tracking-uri={address}"):
            shown = hide_secrets(text)
            assert hidden not in shown
            assert "host" in shown


@given(scheme=st.sampled_from(SCHEMES), secret=secrets)
def test_no_part_of_a_raw_password_is_shown_once_it_is_known(scheme: str, secret: str) -> None:
    """People forget to quote; what a library then quotes of it, and in which form, nobody knows."""
    remember_secrets(f"{scheme}://me:{secret}@host/db")
    for text in (f"cannot read {secret} here", f"'{secret}' failed", f"{scheme}://me:{secret}@host"):
        assert secret not in hide_secrets(text)
    assert repr(secret)[1:-1] not in hide_secrets(repr([secret]))


@pytest.mark.parametrize(
    ("uri", "shown", "address"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("https://me:pw@host/mlflow", "https://***@host/mlflow", "https://host/mlflow"),
        ("https://t0ken@host", "https://***@host", "https://host"),
        ("https://me:p@w:x@host:1/a?token=t", "https://***@host:1/a?token=***", "https://host:1/a"),
        ("http://[::1]:5000", "http://[::1]:5000", "http://[::1]:5000"),
        ("postgresql://me@host/db", "postgresql://me@host/db", "postgresql://host/db"),
        ("postgresql://me:p@host/db", "postgresql://me:***@host/db", "postgresql://host/db"),
        ("postgresql://h/d?user=a&password=b&sslmode=require", "postgresql://h/d?user=a&password=***&sslmode=require", None),
        ("mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BPWD%3Dy", "mssql+pyodbc:///?odbc_connect=***", None),
        ("sqlite:////home/me/my@work/mlflow.db", "sqlite:////home/me/my@work/mlflow.db", None),
    ],
)
def test_what_is_shown(uri: str, shown: str, address: str | None) -> None:
    assert hide_secrets(uri) == shown
    if address is not None:
        assert public_address(uri) == address


def test_the_environment_is_hidden_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "eyJhbGciOi")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a+b(c")
    assert hide_secrets("Bearer eyJhbGciOi and a+b(c") == "Bearer *** and ***"


@pytest.mark.parametrize("uri", ["htp://me:q7Zx@host", "postgres://me:q7Zx@host", "sqlite://me:q7Zx@host"])
def test_an_address_that_is_refused_is_not_repeated(uri: str, tmp_path: Path) -> None:
    with pytest.raises(TrackingError) as caught:
        Store.at(uri, tmp_path)
    assert "q7Zx" not in str(caught.value)


def test_neither_a_store_nor_a_traceback_shows_them(tmp_path: Path) -> None:
    store = Store.at("https://me:q7Zx@host", tmp_path)
    assert "q7Zx" not in repr(store) + store.display_uri + store.address
    with pytest.raises(TrackingError) as caught, reraised_as_tracking_error("It failed"):
        raise RuntimeError(f"API request to {store.uri}/api failed")
    assert "q7Zx" not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(TrackingError) as harmless, reraised_as_tracking_error("It failed"):
        raise RuntimeError("disk full")
    assert isinstance(harmless.value.__cause__, RuntimeError)
