"""Data sets from rows as users hold them: labels encoded, rows split or taken as they were handed in, the test part sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.checks import integer
from hpsearch.data.dataset import Dataset, check_alike
from hpsearch.data.part import Part
from hpsearch.data.splits import Size, Split, check_rising, split, split_by_groups, split_in_order
from hpsearch.data.vault import seal
from hpsearch.errors import DataError, must_be

Label = str | int | bool
# The parts, and how people call them.
_WORDS = {"train": "training", "validation": "validation", "test": "test"}


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows with all that was said of each of them; ``y`` holds labels or numbers as the user has them.

    Args:
        x: an array (n, d), or a data frame.
        y: shape (n,).
        weights: how much each row counts, or None.
        groups: the group of each row, any values that compare equal; or None.
        times: by which the rows are ordered, or None.
        strata: what a split is stratified by beside the class, or None.
        probabilities: the target of each class, shape (n, k), where ``y`` is the class with the largest; or None.
    """

    x: Any
    y: NDArray[Any]
    weights: NDArray[np.float64] | None = None
    groups: NDArray[Any] | None = None
    times: NDArray[Any] | None = None
    strata: NDArray[Any] | None = None
    probabilities: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def together(self) -> NDArray[Any] | None:
        """By what rows stay together: those of one group, or of one time."""
        return self.groups if self.times is None else self.times


@dataclass(frozen=True)
class Splitting:
    """How rows are split.

    Args:
        validation: share or number of rows; or the validation part itself.
        test: the same.
        seed: of the random draws.
        stratify: whether each class has its share of every part.
    """

    validation: Size | Rows = 0.2
    test: Size | Rows = 0.2
    seed: int = 0
    stratify: bool = True


def assemble(name: str, rows: Rows, splitting: Splitting, regression: bool, unscaled: bool = True) -> Dataset:
    """Return the data set of some rows.

    Args:
        name: of the data set.
        rows: those that are split, or the training part where both others are handed in.
        splitting: how.
        regression: whether the targets are numbers.
        unscaled: whether the columns are as a user has them, so that a network may standardize them.
    Raises:
        DataError: for parts that cannot be made.
    """
    integer("seed", splitting.seed, 0, "Try 0.", error=DataError)
    handed = {part: given for part in ("validation", "test") if isinstance(given := getattr(splitting, part), Rows)}
    everything = [rows, *handed.values()]
    labels = () if regression else _labels_of(everything)
    groups = sorted({group for one in everything if (own := one.together) is not None for group in own.tolist()})
    soft = any(one.probabilities is not None for one in everything)
    parts = [_part(one, labels, groups, soft) for one in everything]
    ids = _split(rows, parts[0], splitting, set(handed), labels)
    made = {part: parts[0].take(getattr(ids, part)) for part in _WORDS if len(getattr(ids, part))}
    made |= dict(zip(handed, parts[1:], strict=True))
    if not soft:
        _check_classes(made["train"], labels)
    if rows.times is None:
        _check_groups(made, groups)
    _check_weights(made)
    _check_times(rows, handed, splitting)
    if "test" in made:
        check_alike(name, made["train"], made["test"], "test")
    sealed = None
    if "test" in made:
        test = made["test"]
        numbers = range(len(test)) if "test" in handed else tuple(ids.test.tolist())
        sealed = seal(name, numbers, partial(Part, test.x, test.y, test.weights, test.groups, test.probabilities))
    return Dataset(
        name,
        made["train"],
        made["validation"],
        len(labels),
        sealed,
        class_names=tuple(map(str, labels)),
        labels=labels,
        ordered=rows.times is not None,
        unscaled=unscaled,
    )


def _labels_of(everything: Sequence[Rows]) -> tuple[Label, ...]:
    """Return the labels of all parts; with probabilities the numbers of their columns."""
    counts = {one.probabilities.shape[1] for one in everything if one.probabilities is not None}
    if not counts:
        return _labels([one.y for one in everything])
    if len(counts) > 1:
        advice = "Give all parts a column for each class."
        raise DataError(must_be("Probabilities", "of equally many classes in all parts", tuple(sorted(counts)), advice))
    labels = tuple(range(*counts))
    for one in everything:
        others = sorted(set(one.y.tolist()) - set(labels))
        if others:
            what, advice = "Labels beside probabilities", "Number the classes as the columns of the probabilities."
            raise DataError(must_be(what, f"in [0, {len(labels)})", others[0], advice))
    return labels


def _labels(columns: Sequence[NDArray[Any]]) -> tuple[Label, ...]:
    """Return the labels of all parts in sorted order, as Python values."""
    for column in columns:
        kinds = {type(label) for label in column} if column.dtype.kind == "O" else set()
        if column.dtype.kind not in "iubUSO" or not (kinds <= {str} or kinds <= {int, bool}):
            found = ", ".join(sorted(kind.__name__ for kind in kinds)) or str(column.dtype)
            advice = "Cast with y.astype(int), or pass regression=True."
            raise DataError(must_be("y", "integers or strings", found, advice))
    try:
        return tuple(sorted({label for column in columns for label in column.tolist()}))
    except TypeError as error:
        raise DataError(
            must_be("y", "of one kind in all parts", "numbers and texts", "Give all parts the same labels.")
        ) from error


def _part(rows: Rows, labels: tuple[Label, ...], groups: Sequence[Any], soft: bool) -> Part:
    """Return rows as a part: classes and groups as numbers that are the same in all parts, and probabilities in all or none."""
    y = _codes(rows.y, labels) if labels else rows.y.astype(np.float64)
    together = None if rows.together is None else _codes(rows.together, groups)
    probabilities = np.eye(len(labels))[y] if soft and rows.probabilities is None else rows.probabilities
    return Part(rows.x, y, rows.weights, together, probabilities)


def _codes(values: NDArray[Any], names: Sequence[Any]) -> NDArray[np.int64]:
    number = {name: code for code, name in enumerate(names)}
    return np.array([number[value] for value in values.tolist()], np.int64)


def _split(rows: Rows, part: Part, splitting: Splitting, handed: set[str], labels: Sequence[Label]) -> Split:
    """Return the ids of the rows of each part that is not handed in."""
    sizes = {name: 0 if name in handed else getattr(splitting, name) for name in ("validation", "test")}
    none = np.arange(0)
    if "validation" in handed and not sizes["test"]:
        return Split(np.arange(len(rows)), none, none)
    if "validation" not in handed:
        return _draw(rows, part, (sizes["validation"], sizes["test"]), splitting, labels)
    # Draw the test part as if it were the validation part: of the two the latter must not be empty.
    ids = _draw(rows, part, (sizes["test"], 0), splitting, labels)
    return Split(ids.train, none, ids.validation)


def _draw(rows: Rows, part: Part, sizes: tuple[Size, Size], splitting: Splitting, labels: Sequence[Label]) -> Split:
    if rows.times is not None:
        return split_in_order(rows.times, *sizes)
    strata = _strata(rows, part, splitting.stratify)
    if part.groups is not None:
        return split_by_groups(part.groups, strata, *sizes, splitting.seed)
    # A split that is stratified by one class for all is a plain random split.
    named = labels if strata is part.y else ()
    return split(np.zeros(len(part), np.int64) if strata is None else strata, *sizes, splitting.seed, named)


def _strata(rows: Rows, part: Part, stratify: bool) -> NDArray[Any] | None:
    """Return what the split is stratified by: a column that was named, else the class; None for nothing."""
    if rows.strata is not None:
        return np.unique(rows.strata, return_inverse=True)[1] if rows.strata.dtype.kind == "O" else rows.strata
    return part.y if stratify and not part.numeric else None


def _check_classes(train: Part, labels: tuple[Label, ...]) -> None:
    """Raise where the training part has no row of a class: a model could not learn it."""
    counts = np.bincount(train.y, minlength=len(labels)) if labels else np.ones(1)
    if not counts.all():
        missing = labels[int(counts.argmin())]
        advice = "Move rows of it there, or leave the class out of all parts."
        raise DataError(must_be("The training part", "with rows of every class", f"no row of class {missing!r}", advice))


def _check_weights(parts: Mapping[str, Part]) -> None:
    """Raise where no row of a part counts: nothing could be learnt from it, or scored on it."""
    for which, part in parts.items():
        if part.weights is not None and not part.weights.any():
            advice = "Spread the weights, or hand the parts in."
            what = f"sample_weight in the {_WORDS[which]} part"
            raise DataError(must_be(what, "above 0 somewhere", f"0 in each of its {len(part)} rows", advice))


def _check_times(rows: Rows, handed: Mapping[str, Rows], splitting: Splitting) -> None:
    """Raise where parts that were handed in are not in the order of time, or earlier than the rows before them."""
    times = {which: one.times for which, one in handed.items() if one.times is not None}
    if rows.times is None or not times:
        return
    before = rows.times
    check_rising("The time column", before)
    for which, own in times.items():
        check_rising(f"The time column of the {which} part", own)
        # Where the test part is drawn from the rows and the other is not, neither is known to be later.
        if isinstance(splitting.test, Rows) or not splitting.test:
            check_rising(f"The time where the {which} part begins", np.array([before[-1], own[0]], dtype=object), rows=False)
        before = own


def _check_groups(parts: Mapping[str, Part], names: Sequence[Any]) -> None:
    """Raise where a group is in two parts, which only parts that were handed in can be."""
    for one, other in combinations(parts, 2):
        first, second = parts[one].groups, parts[other].groups
        both = [] if first is None or second is None else np.intersect1d(first, second).tolist()
        if both:
            what = f"Groups of the {_WORDS[one]} and the {_WORDS[other]} part"
            advice = "Keep all rows of a group in one part, or leave groups out."
            raise DataError(must_be(what, "different", f"group {names[both[0]]!r} in both", advice))
