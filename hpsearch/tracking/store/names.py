"""Safe names and texts: folder names, MLflow keys, tag values, lists of numbers."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import unicodedata
from collections.abc import Iterable, Mapping

# MLflow servers before 3.0 cut tags at 5000 characters; newer ones at 8000.
TAG_LIMIT = 5000
EXPERIMENT_NAME_LIMIT = 200


def digest(text: str) -> str:
    """Return the first eight hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:8]


def clean_text(text: str) -> str:
    """Return the text without what a database rejects: lone surrogates and NUL."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def slug(text: str) -> str:
    """Return a folder name for any text, the same for the same text and different for different ones.

    >>> slug("mnist-random"), slug("../x")
    ('mnist-random', 'x-d6b96a97')
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    short = re.sub(r"[^a-z0-9._-]+", "-", ascii_text)[:60].strip("-.") or "study"
    # Folders with a bare number are those of MLflow's own experiments.
    return short if short == text and not text.isdigit() else f"{short}-{digest(text)}"


def experiment_name(study: str) -> str:
    """Return the MLflow experiment of a study: its name, unless MLflow could not take that.

    ``Default`` is MLflow's own experiment, whose artifacts lie in whatever folder the database was created from.
    """
    printable = re.sub(r"[\x00-\x1f\x7f]", " ", clean_text(study)).strip()
    if printable == study and study != "Default" and len(study) <= EXPERIMENT_NAME_LIMIT:
        return study
    return f"{printable[: EXPERIMENT_NAME_LIMIT - 10]} {digest(study)}"


def key(name: str) -> str:
    """Return a param, metric or tag key that MLflow accepts; the name itself wherever possible.

    >>> key("schedule.patience"), key("a(b)")
    ('schedule.patience', 'a_b_-cce46ea1')
    """
    fits = re.fullmatch(r"[\w.\-/][\w.\- /]{0,199}", name) and "//" not in name
    if fits and posixpath.normpath(name) == name and name[0] not in "./":
        return name
    return f"{re.sub(r'[^0-9A-Za-z_-]', '_', name)[:190]}-{digest(name)}"


def keys(names: Iterable[str], taken: set[str], prefix: str) -> dict[str, str]:
    """Return a key for each name, and add them to ``taken``; a key taken before gets the prefix.

    >>> keys(["loss", "value"], {"value"}, "curve.")
    {'loss': 'loss', 'value': 'curve.value'}
    """
    chosen = {}
    for name in names:
        candidate = key(name)
        while candidate in taken:
            candidate = key(prefix + candidate)
        taken.add(candidate)
        chosen[name] = candidate
    return chosen


def fit_text(text: str, limit: int = TAG_LIMIT) -> str:
    """Return a text that fits a tag; a longer one is cut and ends in the checksum of the whole.

    Equal texts give equal results, different texts different ones.
    """
    text = clean_text(text)
    if len(text) <= limit:
        return text
    mark = f" ... sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    return text[: limit - len(mark)] + mark


def pack_text(name: str, text: str) -> dict[str, str]:
    """Return tags that hold any text: ``name``, ``name.1``, ``name.2``, ...; and the exact text where a database rejects it."""
    readable = clean_text(text)
    parts = [readable[i : i + TAG_LIMIT] for i in range(0, max(len(readable), 1), TAG_LIMIT)]
    exact = pack_text(f"{name}.json", json.dumps(text)) if readable != text else {}
    return {name if i == 0 else f"{name}.{i}": part for i, part in enumerate(parts)} | exact


def unpack_text(tags: Mapping[str, str], name: str) -> str | None:
    """Return the text that `pack_text` stored, or None where there is none."""
    if f"{name}.json" in tags:
        exact: str = json.loads(unpack_text(tags, f"{name}.json") or '""')
        return exact
    if name not in tags:
        return None
    parts = [tags[name]]
    while f"{name}.{len(parts)}" in tags:
        parts.append(tags[f"{name}.{len(parts)}"])
    return "".join(parts)


def list_numbers(numbers: Iterable[int], most: int = 10) -> str:
    """Return sorted numbers for a sentence, the first few of many.

    >>> list_numbers([3, 1]), list_numbers(range(20), 2)
    ('1, 3', '0, 1 and 18 more')
    """
    ordered = sorted(numbers)
    text = ", ".join(map(str, ordered[:most]))
    return text if len(ordered) <= most else f"{text} and {len(ordered) - most} more"
