"""The network of a table where hpsearch is missing: rows as they are go in, labels come out."""

from __future__ import annotations

import csv
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from hpsearch import data
from hpsearch.nn import storage
from hpsearch.nn.table_network import TableNetwork
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Context, Exported
from hpsearch.tracking.models import READER, log
from tests.data.tables import ROWS, columns
from tests.saved_network import SavedNetwork

# Raises for the packages named, wherever they are imported from.
BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ImportError(name + " is not here")
sys.meta_path.insert(0, Blocked())
"""


def rows_of(library: str) -> Any:
    """A table of every kind of column that a network takes."""
    held = columns(
        empty=["", "a", "b", ""] * (ROWS // 4),
        big=[2**60 + row for row in range(ROWS)],
        nothing=[float("nan")] * ROWS,
        constant=["x"] * ROWS,
        **{"été 1": ["é", "NA", "ß", "日本"] * (ROWS // 4)},
    )
    levels = [1, 2, 3, None] * (ROWS // 4)
    if library == "polars":
        level = pl.Series([None if one is None else str(one) for one in levels], dtype=pl.Categorical)
        return pl.DataFrame(held, strict=False).with_columns(level=level, whole=pl.Series(levels))
    frame = pd.DataFrame(held)
    frame["level"] = pd.Series(pd.array(levels, "Int64")).astype("category")
    return frame.assign(whole=pd.array(levels, "Int64"), nullable=pd.array(held["member"], "boolean"))


def trained(rows: Any, target: str = "buys", regression: bool = False) -> tuple[TableNetwork, Exported]:
    found = data.table(rows, target, regression=regression, name="shop")
    objective = TrainNetwork(found, hidden=(4,), learning_rate=0.5, epochs=5, dtype="float64")
    network = objective.network({}, Context(np.random.default_rng(0), 5))
    assert isinstance(network, TableNetwork)
    return network, objective.export({}, Context(np.random.default_rng(0), 5))


def loaded(folder: Path, exported: Exported) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.pyfunc

        return mlflow.pyfunc.load_model(str(log.save(folder, exported)))


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize(("target", "regression"), [("buys", False), ("age", True)])
def test_mlflow_takes_the_very_rows_that_were_trained_on(library: str, target: str, regression: bool, tmp_path: Path) -> None:
    rows = rows_of(library)
    network, exported = trained(rows, target, regression)
    model, wanted = loaded(tmp_path, exported), network.predict(rows)
    frame = rows.to_pandas() if library == "polars" else rows
    given = [frame, frame[frame.columns[::-1]], frame.assign(more=1), frame.drop(columns=target), frame.astype({"day": float})]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for each in [*given, frame.iloc[:1], frame.iloc[2:3]]:
            found = np.asarray(model.predict(each)).ravel()
            if regression:
                np.testing.assert_allclose(found, wanted[each.index], rtol=1e-9)
            else:
                assert found.tolist() == wanted[each.index].tolist()
        reader = SavedNetwork(tmp_path / "network.npz")
        np.testing.assert_allclose(reader.predict(rows), network.forward(rows), rtol=1e-9)


def test_a_missing_column_is_told_by_its_name(tmp_path: Path) -> None:
    rows = rows_of("pandas")
    model = loaded(tmp_path, trained(rows)[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Exception, match="The rows must have the column 'city'"):
            model.predict(rows.drop(columns="city"))
    reader = SavedNetwork(tmp_path / "network.npz")
    with pytest.raises(ValueError, match="The rows must have the column 'city'"):
        reader.predict(rows.drop(columns="city"))
    with pytest.raises(ValueError, match="Column 'age' must hold numbers: could not convert string to float: 'old'"):
        reader.predict(rows.assign(age="old"))
    with pytest.raises(ValueError, match=r"Column 'age' must be of 1 rows, got 40\."):
        reader.predict({name: rows[name].tolist() for name in rows} | {"city": ["Rome"]})


def run(code: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "start.py").write_text(code)
    command = [sys.executable, "-X", "utf8", "-W", "ignore", "start.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=120)


def test_the_model_answers_class_names_without_hpsearch_and_scikit_learn(tmp_path: Path) -> None:
    rows = rows_of("pandas")
    network, exported = trained(rows)
    log.save(tmp_path, exported)
    table = rows.drop(columns="level")
    table.assign(level=rows["level"].astype("Int64")).to_parquet(tmp_path / "rows.parquet")
    code = BLOCKED.format(names={"hpsearch", "sklearn"}) + (
        "import mlflow.pyfunc, pandas\n"
        "print(*mlflow.pyfunc.load_model('model').predict(pandas.read_parquet('rows.parquet')), sep='\\n')\n"
    )
    done = run(code, tmp_path)
    assert done.stdout.splitlines()[-ROWS:] == network.predict(rows).tolist(), done.stderr


def test_the_program_prints_class_names_with_numpy_alone(tmp_path: Path) -> None:
    """The rows are written by pandas, which leaves fields without a value empty; NA is an option in one column."""
    rows = rows_of("pandas")
    network, exported = trained(rows)
    storage.write(tmp_path / "shop.npz", exported.architecture, exported.weights)
    (tmp_path / "shop_predict.py").write_bytes(READER.read_bytes())
    rows.to_csv(tmp_path / "rows.csv", index=False, quoting=csv.QUOTE_NONNUMERIC)
    rows.assign(age="NaN", member="NA").to_csv(tmp_path / "gaps.csv", index=False)
    names = {"hpsearch", "sklearn", "mlflow", "pandas", "polars", "narwhals", "scipy"}
    code = BLOCKED.format(names=names) + (
        "import runpy\n"
        "program, network, *tables = sys.argv[1:]\n"
        "for table in tables:\n"
        "    sys.argv = [program, network, table]\n"
        "    runpy.run_path(program, run_name='__main__')\n"
    )
    done = run(code, tmp_path, "shop_predict.py", "shop.npz", "rows.csv", "gaps.csv")
    # An empty text and no text are one in a CSV file.
    first = network.predict(rows.assign(empty=rows["empty"].replace("", None)))
    gaps = network.predict(rows.assign(empty=rows["empty"].replace("", None), age=None, member=None))
    assert done.stdout.split() == [*first.tolist(), *gaps.tolist()], done.stderr
    bad = run(code, tmp_path, "shop_predict.py", "shop.npz", "none.csv")
    assert bad.stderr.strip().splitlines()[-1].startswith("error: ")
    assert "Traceback" not in bad.stderr
