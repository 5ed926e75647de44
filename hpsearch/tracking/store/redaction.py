"""Secrets of a tracking URI: user, password, token and query are left out of everything that people or files get to see."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus

HIDDEN = "***"
# A user name alone is harmless in these; in an http address it may be a token.
_DATABASES = ("postgresql", "postgres", "mysql", "mariadb", "mssql", "oracle")
_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][\w+.\-]*)://(?P<login>[^\s'\"<>]*)@")
_QUERY = re.compile(
    r"(?P<name>[?&;][\w.\-]*(?:pass|pwd|secret|token|key|credential|auth|odbc_connect|sig)[\w.\-]*)=[^&\s'\"<>]*", re.IGNORECASE
)
_ENVIRONMENT = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
# A shorter text is also part of ordinary words; within an address it is found by its place.
_LEAST = 4
_known: set[str] = set()


def hide_secrets(text: str) -> str:
    """Return a text without the user, password or token of any address in it, and without those of the stores in use.

    >>> hide_secrets("postgresql://me:secret@host/db?sslpassword=other&sslmode=require")
    'postgresql://me:***@host/db?sslpassword=***&sslmode=require'
    >>> hide_secrets("No answer from https://token@host:5000 yet")
    'No answer from https://***@host:5000 yet'
    """
    # The longest first, so that no part of it stays.
    for secret in sorted(_known | {os.environ.get(name, "") for name in _ENVIRONMENT}, key=len, reverse=True):
        if len(secret) >= _LEAST:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, text)
    return _ADDRESS.sub(_hide_login, _QUERY.sub(rf"\g<name>={HIDDEN}", text))


def remember_secrets(uri: str) -> None:
    """Hide the secrets of this URI from now on, also where an error quotes them outside an address."""
    for secret in _secrets(uri):
        _known.update({secret, unquote(secret), unquote_plus(secret), repr(secret)[1:-1], repr(unquote(secret))[1:-1]})


def public_address(uri: str) -> str:
    """Return the address of a server as a browser opens it: without user, password, query and fragment.

    >>> public_address("https://me:secret@host:5000/mlflow?token=x")
    'https://host:5000/mlflow'
    """
    scheme, mark, rest = uri.partition("://")
    place = re.split(r"[?#]", rest.rpartition("@")[2])[0]
    return f"{scheme}{mark}{place}".rstrip("/")


def cause(error: BaseException) -> BaseException | None:
    """Return an error as the cause of another one, or None where its traceback would show a secret."""
    shown = "".join(traceback.format_exception(error))
    return error if hide_secrets(shown) == shown else None


def _hide_login(found: re.Match[str]) -> str:
    scheme, login = found["scheme"], found["login"]
    if _is_file(scheme, login):
        return found[0]
    user, mark, _ = login.partition(":")
    if scheme.partition("+")[0].lower() not in _DATABASES:
        return f"{scheme}://{HIDDEN}@"
    return f"{scheme}://{user}:{HIDDEN}@" if mark else f"{scheme}://{login}@"


def _is_file(scheme: str, rest: str) -> bool:
    """Return whether an address is that of a SQLite file, whose path may hold any sign."""
    return scheme == "sqlite" and rest.startswith("/")


def _secrets(uri: str) -> Iterator[str]:
    """Yield what is secret in a URI."""
    scheme, _, rest = uri.partition("://")
    login, at, _ = ("", "", "") if _is_file(scheme, rest) else rest.rpartition("@")
    user, mark, password = login.partition(":")
    if mark:
        yield password
        # A library that splits the address elsewhere quotes a part of the password.
        yield from re.split(r"[@/?#:]", password)
    if at and scheme.partition("+")[0].lower() not in _DATABASES:
        yield user
    for pair in re.split(r"[?&;]", uri)[1:]:
        if _QUERY.fullmatch(f"?{pair.partition('=')[0]}="):
            yield pair.partition("=")[2]
