"""A made text, written by a small grammar from a seed: the same characters on every machine, with nothing to download."""

from __future__ import annotations

from random import Random
from typing import TypeVar

from hpsearch.checks import integer
from hpsearch.data.splits import Size
from hpsearch.data.texts import Texts, text
from hpsearch.errors import DataError

_PEOPLE = (
    "the miller", "the old king", "a young fox", "the ferryman", "her brother", "the tailor", "a crow", "the queen",
    "the blacksmith", "my uncle", "the shepherd", "a wandering monk", "the baker's son", "the last wolf",
)  # fmt: skip
_PLACES = ("the river", "the dark wood", "the market", "the castle", "the bridge", "the mountain", "the well", "the harbour")
_THINGS = (
    "a silver ring", "the lantern", "three apples", "a broken sword", "the letter", "a loaf of bread", "the golden key",
    "an empty basket", "a grey horse", "the little bell", "a pair of shoes", "the map",
)  # fmt: skip
_DEEDS = ("carried", "found", "lost", "wanted", "stole", "sold", "hid", "painted", "remembered", "mended", "followed", "kept")
_WAYS = ("walked", "ran", "rode", "sailed", "crept", "hurried", "returned", "wandered", "climbed", "went")
_WHEN = ("in the morning", "at night", "before the rain", "after supper", "in the winter", "every day", "once more", "at last")
_SAID = ("said", "asked", "cried", "answered", "whispered", "thought")
_LINKS = ("and", "but", "so", "while", "because", "until")
_WIDTH = 72
_T = TypeVar("_T")


def tale(characters: int = 100_000, validation: Size = 0.1, test: Size = 0.1, seed: int = 0) -> Texts:
    """Return a made text of short sentences with quotation marks, brackets and numbers, in lines of at most 72 characters.

    It is no natural language: a grammar of about 90 words draws every sentence. What is far apart belongs together: brackets
    and quotation marks are closed, what is spoken is in capitals, and lines are broken by their length. So a hidden unit has
    something to remember.

    Args:
        characters: its length.
        validation: share or number of the characters, behind those to train on.
        test: the same, at the end.
        seed: of the grammar; one seed gives the same characters with every version of Python and NumPy.
    Raises:
        DataError: for a length below 1, or sizes that leave a part empty.

    >>> tale()
    tale(train=80000, validation=10000)
    """
    integer("characters", characters, 1, "100,000 is usual.", error=DataError)
    integer("seed", seed, 0, "Try 0.", error=DataError)
    return text(_Teller(seed).write(characters), validation, test, "tale")


class _Teller:
    """Writes sentences; draws by `random.Random.random` alone, whose numbers Python promises not to change."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def write(self, characters: int) -> str:
        """Return the first so many characters of the text."""
        lines: list[str] = []
        length = 0
        while length < characters:
            paragraph = self._paragraph()
            lines += [*paragraph, ""]
            length += sum(len(line) + 1 for line in paragraph) + 1
        return "\n".join(lines)[:characters]

    def _pick(self, options: tuple[_T, ...]) -> _T:
        return options[int(self._random.random() * len(options))]

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _paragraph(self) -> list[str]:
        """Return the lines of a paragraph, broken at words."""
        lines, line = [], ""
        for word in " ".join(self._sentence() for _ in range(3 + int(self._random.random() * 5))).split(" "):
            if line and len(line) + 1 + len(word) > _WIDTH:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        return [*lines, line]

    def _sentence(self) -> str:
        if self._chance(0.3):
            end = self._pick((".", ".", "?", "!"))
            clauses = self._clause() if self._chance(0.4) else f"{self._clause()}, {self._pick(_LINKS)} {self._clause()}"
            return f'"{clauses.upper()}{end}" {self._pick(_SAID)} {self._pick(_PEOPLE)}.'
        told = self._clause()
        if self._chance(0.4):
            told = f"{told}, {self._pick(_LINKS)} {self._clause()}"
        if self._chance(0.2):
            told = f"{self._pick(_WHEN)} {told}"
        return f"{_capital(told)}."

    def _clause(self) -> str:
        who = self._pick(_PEOPLE)
        if self._chance(0.2):
            who = f"{who} ({self._aside()})"
        if self._chance(0.5):
            what = self._pick(_THINGS)
            if self._chance(0.2):
                what = f"{2 + int(self._random.random() * 97)} coins"
            return f"{who} {self._pick(_DEEDS)} {what}{self._where(0.4)}"
        return f"{who} {self._pick(_WAYS)} to {self._pick(_PLACES)}{self._when(0.3)}"

    def _aside(self) -> str:
        return f"who once {self._pick(_DEEDS)} {self._pick(_THINGS)}{self._where(0.5)}"

    def _where(self, share: float) -> str:
        return f" near {self._pick(_PLACES)}" if self._chance(share) else ""

    def _when(self, share: float) -> str:
        return f" {self._pick(_WHEN)}" if self._chance(share) else ""


def _capital(clause: str) -> str:
    return clause[0].upper() + clause[1:]
