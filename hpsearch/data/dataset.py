"""Data set of a study: open training and validation parts, a sealed test part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from hpsearch.checks import is_integer, to_python
from hpsearch.data.part import Part
from hpsearch.data.sample import fewest_rows, in_sample_order
from hpsearch.data.split_data import SplitData
from hpsearch.data.vault import Sealed, narrowed, open_test
from hpsearch.errors import DataError, must_be
from hpsearch.ports import DataRecord

__all__ = ["Dataset", "Part"]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset(SplitData):
    """Training and validation parts, and the handle of a test part that a study cannot read.

    Two data sets are equal when name and checksum are; the repr is recorded as text and stays the same between releases.

    Args:
        name: its name in records.
        train: the part to fit on.
        validation: the part to select on.
        classes: number of classes k >= 2, every class index in [0, k); or 0 where the targets are numbers (regression).
        test: handle of the test part, or None where there is none.
        reproduction: whether the validation part is the test part, see `for_reproduction`.
        class_names: one name a class, or empty.
        expanded: whether the training part holds distorted copies of its rows, see `hpsearch.data.expanded`.
        labels: the user's own labels, one a class, as Python values; or empty.
        ordered: whether the rows are in the order of time: folds are validated on later rows than they are trained on.
        unscaled: whether the columns are as a user has them, so that a network may standardize them.
    Raises:
        DataError: if the parts do not fit each other or the classes.

    >>> import numpy as np
    >>> part = Part(np.zeros((3, 2), np.float32), np.array([0, 1, 1]))
    >>> Dataset("toy", part, part, classes=2).head(train=2, validation=1)
    toy(train=2, validation=1)
    """

    name: str
    train: Part
    validation: Part
    classes: int
    test: Sealed | None = None
    reproduction: bool = False
    class_names: tuple[str, ...] = field(default=())
    expanded: bool = False
    labels: tuple[str | int | bool, ...] = field(default=())
    ordered: bool = False
    unscaled: bool = False

    def __post_init__(self) -> None:
        self._check_targets()
        check_alike(self.name, self.train, self.validation, "validation")
        if self.class_names and len(self.class_names) != self.classes:
            what = f"class_names of {self.name!r}"
            raise DataError(must_be(what, f"{self.classes} names", len(self.class_names), "Name every class or none."))

    def _check_targets(self) -> None:
        numeric = [part.numeric for part in (self.train, self.validation)]
        if numeric != [self.regression] * 2:
            advice = "Give classes=0 for numbers (float64), and the number of classes for classes (int64)."
            raise DataError(must_be(f"Classes of {self.name!r}", "0 for numbers, and for nothing else", self.classes, advice))
        if self.regression:
            return
        if self.classes < 2:
            raise DataError(must_be(f"Classes of {self.name!r}", "at least 2", self.classes, "Add rows of another class."))
        highest = max(int(part.y.max()) for part in (self.train, self.validation))
        if highest >= self.classes:
            advice = "Give classes= the number of classes, or number the classes from 0 on."
            raise DataError(must_be(f"Classes in {self.name!r}", f"in [0, {self.classes})", highest, advice))

    @property
    def regression(self) -> bool:
        """Whether the targets are numbers instead of classes."""
        return self.classes == 0

    @property
    def outputs(self) -> int:
        """How many outputs predict a row: one a class, or one for each number."""
        return self.classes or (1 if self.train.y.ndim == 1 else int(self.train.y.shape[1]))

    @property
    def several_numbers(self) -> bool:
        """Whether there are several numbers to predict for each row."""
        return self.train.y.ndim > 1

    @property
    def features(self) -> int:
        """Number of inputs d of one row."""
        return int(self.train.x.shape[1])

    @property
    def record(self) -> DataRecord:
        """The data in a study's record: names, sizes, checksums."""
        return DataRecord(self.name, self.checksum, self.features, self.classes, self.part_records, self.train.dtype)

    def as_float32(self) -> Dataset:
        """Return the data set with rows of float32: itself where they are, else a copy that is made once and kept.

        Raises:
            DataError: for a value that float32 cannot hold.
        """
        return self if self.train.dtype == "float32" else self._float32

    @cached_property
    def _float32(self) -> Dataset:
        # Kept with the data set, so that it reaches worker processes as shared memory and no trial makes its own.
        return replace(self, train=self.train.as_float32(), validation=self.validation.as_float32())

    @property
    def rows(self) -> int:
        """The number of training rows."""
        return len(self.train)

    @property
    def fewest_rows(self) -> int:
        """The number of rows of the smallest sample that is worth training on."""
        return fewest_rows(self.classes)

    def sample(self, rows: int, seed: int) -> Dataset:
        """Return the data set with a random sample of the training rows; the validation part stays whole.

        Samples of one seed are nested, and stratified by class; that of all rows is the data set itself.

        Raises:
            DataError: there are fewer rows.

        >>> from hpsearch.data import digits
        >>> digits().sample(100, seed=0)
        digits(train=100, validation=359)
        """
        if rows == len(self.train):
            return self
        kept: tuple[int, Part] | None = self.__dict__.get("_in_order")
        if kept is None or kept[0] != seed:
            # Kept with the data set, so that it reaches worker processes as shared memory and no trial makes its own.
            kept = self.__dict__["_in_order"] = (seed, in_sample_order(self.train, seed))
        return replace(self, train=kept[1].head(rows))

    def head(self, train: int | None = None, validation: int | None = None) -> Dataset:
        """Return the data set of the first rows of each part (None keeps all); the test part stays the same.

        Raises:
            DataError: if a part has fewer rows.
        """
        return replace(
            self,
            train=self.train if train is None else self.train.head(train),
            validation=self.validation if validation is None else self.validation.head(validation),
        )

    def at_most(self, train: int | None = None, validation: int | None = None) -> Dataset:
        """Return the data set of at most so many first rows of each part (None keeps all); the test part stays the same.

        >>> from hpsearch.data import digits
        >>> digits().at_most(train=500, validation=1000)
        digits(train=500, validation=359)
        """
        return self.head(
            None if train is None else min(train, len(self.train)),
            None if validation is None else min(validation, len(self.validation)),
        )

    def only(self, classes: Sequence[int]) -> Dataset:
        """Return the data set of some classes only, renumbered from 0 in the order given, the test part included.

        A reduced problem gives fast feedback: two digits instead of ten, ``data.mnist().only(classes=(0, 1))``.

        Args:
            classes: indices of at least two classes, none of them twice.
        Raises:
            DataError: for another number or kind of classes, or where a part has no row of them.
            VaultError: where there is a test part and the data were loaded in another process.

        >>> from hpsearch.data import digits
        >>> digits().only(classes=(0, 1))
        digits-0-1(train=216, validation=72)
        """
        chosen = to_python(tuple(classes))
        known = all(is_integer(c) and 0 <= c < self.classes for c in chosen)
        if len(chosen) < 2 or len(set(chosen)) < len(chosen) or not known:
            advice = f"Give two or more of 0 to {self.classes - 1}." if self.classes else "It predicts numbers."
            raise DataError(must_be(f"classes of {self.name!r}", "two or more of its classes", classes, advice))
        name = "-".join([self.name, *map(str, chosen)])
        return replace(
            self,
            name=name,
            train=self.train.only(chosen),
            validation=self.validation.only(chosen),
            classes=len(chosen),
            test=None if self.test is None else narrowed(self.test, name, chosen),
            class_names=tuple((self.class_names or [str(c) for c in range(self.classes)])[c] for c in chosen),
            labels=tuple(self.labels[c] for c in chosen) if self.labels else (),
        )

    def for_reproduction(self, on_open: Callable[[], None] | None = None) -> Dataset:
        """Return the data set whose validation part is the test part, for published curves that monitored it.

        Never select on it: ``reproduction`` is set, the name says so, and a study on it is tagged.

        Args:
            on_open: log hook of `hpsearch.data.vault.open_test`.
        Raises:
            DataError: if there is no test part.
            VaultError: in a worker process.
        """
        if self.test is None:
            what, advice = f"Test part of {self.name!r}", "Load the data set with a test part first."
            raise DataError(must_be(what, "sealed and unopened", None, advice))
        evaluation = open_test(self.test, on_open)
        return replace(self, name=f"{self.name}-reproduction", validation=evaluation, test=None, reproduction=True)


def check_alike(name: str, train: Part, part: Part, which: str) -> None:
    """Raise where a part has other columns than the training part.

    Args:
        name: of the data set.
        train: the training part.
        part: the other one.
        which: what that is called.
    Raises:
        DataError: for another number, dtype, name or kind of columns.
    """
    missing = [column.name for column in train.columns if column.name not in {one.name for one in part.columns}]
    if part.is_table and missing:
        advice = "Give all parts the same columns, in the same order."
        raise DataError(must_be(f"The {which} part of {name!r}", f"a table with the column {missing[0]!r}", "none", advice))
    if train.x.shape[1] != part.x.shape[1]:
        what, features = f"Features of the {which} part of {name!r}", train.x.shape[1]
        raise DataError(must_be(what, f"{features}", part.x.shape[1], "Use the training part's columns."))
    if train.y.shape[1:] != part.y.shape[1:]:
        what, advice = f"Numbers to predict in the {which} part of {name!r}", "Predict the same numbers in all parts."
        raise DataError(must_be(what, f"{train.y[:1].size} a row", part.y[:1].size, advice))
    if train.dtype != part.dtype:
        what, advice = f"Rows of the {which} part of {name!r}", "Give both parts one dtype."
        raise DataError(must_be(what, train.dtype, part.dtype, advice))
    for one, other in zip(train.columns, part.columns, strict=True):
        unknown = other.missing == len(part) or one.missing == len(train)
        if one.name != other.name or (one.kind != other.kind and not unknown):
            what, found = f"Column {one.name!r} of the {which} part of {name!r}", f"{other.name} ({other.kind})"
            raise DataError(must_be(what, one.kind, found, "Give all parts the same columns, in the same order."))
