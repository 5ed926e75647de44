"""Data sets for studies: training and validation part are open, the test part is sealed (see `hpsearch.data.vault`).

Shape letters: n rows, d features, k classes. Every data set holds x as float32 or float64 (n, d) or as a data frame, and y as
int64 (classes) or float64 (numbers) (n,).
Texts are another kind, `hpsearch.data.Texts`: one long text, or inputs with the output for each.
Importing this package loads neither scikit-learn nor MLflow.
"""

from hpsearch.data.arrays import arrays
from hpsearch.data.catalogue import Available, available, digits, named
from hpsearch.data.dataset import Dataset
from hpsearch.data.expanded import expanded
from hpsearch.data.idx import idx
from hpsearch.data.mapped import mapped
from hpsearch.data.mnist import mnist
from hpsearch.data.part import Part
from hpsearch.data.table import csv, parquet, table
from hpsearch.data.tale import tale
from hpsearch.data.texts import TextPart, Texts, sequences, text
from hpsearch.errors import did_you_mean

__all__ = [
    "Available",
    "Dataset",
    "Part",
    "TextPart",
    "Texts",
    "arrays",
    "available",
    "csv",
    "digits",
    "expanded",
    "idx",
    "mapped",
    "mnist",
    "named",
    "parquet",
    "sequences",
    "table",
    "tale",
    "text",
]


def __getattr__(name: str) -> object:
    raise AttributeError(f"hpsearch.data has no {name!r}; it offers {', '.join(__all__)}.{did_you_mean(name, __all__)}")
