"""Alphabet of a text: its characters as whole numbers, and one number for every other character."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import Labels

# Stands for every character that the training text does not have.
OTHER = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Alphabet:
    """Characters, numbered from 0 in their order; the last one, `OTHER`, stands for all that are not among them.

    >>> Alphabet.of(["hello"])
    Alphabet(characters='ehlo\N{REPLACEMENT CHARACTER}')
    >>> Alphabet.of(["hello"]).encode("hex").tolist()
    [1, 0, 4]
    """

    characters: str

    def __post_init__(self) -> None:
        if len(set(self.characters)) < max(len(self.characters), 2) or self.characters[-1] != OTHER:
            advice = "Make it with Alphabet.of(texts)."
            raise SettingError(must_be("An alphabet", f"distinct characters that end in {OTHER!r}", self.characters, advice))

    @classmethod
    def of(cls, texts: Iterable[str]) -> Alphabet:
        """Return the alphabet of the characters of some texts, in the order of their code points."""
        return cls("".join(sorted(set().union(*texts) - {OTHER})) + OTHER)

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> Labels:
        """Return the number of every character, int64, (n,)."""
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
        places = np.minimum(np.searchsorted(self._points, codes), len(self) - 2)
        found: Labels = np.where(self._points[places] == codes, self._order[places], len(self) - 1)
        return found

    def decode(self, codes: Iterable[int]) -> str:
        """Return the text of numbers; numbers beyond the alphabet, such as marks, are left out."""
        return "".join(self.characters[code] for code in codes if code < len(self))

    @cached_property
    def _points(self) -> Labels:
        return np.sort(self._codes)

    @cached_property
    def _order(self) -> Labels:
        return np.argsort(self._codes)

    @property
    def _codes(self) -> Labels:
        return np.array([ord(character) for character in self.characters[:-1]], np.int64)
