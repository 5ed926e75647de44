"""SIMD vectors of compiled code against NumPy, and the machine code that numba keeps on disk."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpsearch

numba = pytest.importorskip("numba", reason="numba is not installed: there are no compiled vectors")
from hpsearch.nn.engines import kernels  # noqa: E402
from hpsearch.nn.engines.kernels import LANES, count_bits, load, logistic, lowest_bit, nonzero_bits, store, sum_lanes  # noqa: E402


@numba.njit
def _logistic(a: Any) -> None:
    for k in range(0, a.shape[2], LANES):
        store(a, 0, 0, k, logistic(load(a, 0, 0, k)))


@numba.njit
def _inspect(x: Any) -> Any:
    bits = nonzero_bits(x, 0, 0)
    return bits, lowest_bit(bits), count_bits(bits), sum_lanes(load(x.reshape(1, 1, LANES), 0, 0, 0))


@pytest.mark.parametrize(("dtype", "digits"), [(np.float32, 2), (np.float64, 8)])
def test_logistic_is_right_to_the_last_digits(dtype: Any, digits: int) -> None:
    """The reference is worked out in long double. Far out the answer is 0 or 1 but for what no product notices."""
    z = np.linspace(-30, 30, 16 * 5_000).astype(dtype)
    out = z.reshape(1, 1, -1).copy()
    _logistic(out)
    wanted = 1 / (1 + np.exp(-z.astype(np.longdouble)))
    assert float((np.abs(out[0, 0] - wanted) / wanted).max()) < digits * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logistic_far_out(dtype: Any) -> None:
    out = np.array([[[-1e4, 1e4, -np.inf, np.inf, np.nan, 0.0, -0.0, 1e-30] * 2]], dtype)
    _logistic(out)
    np.testing.assert_allclose(out[0, 0, :8], [0, 1, 0, 1, np.nan, 0.5, 0.5, 0.5], atol=1e-38)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_not_zero_is_found(dtype: Any) -> None:
    x = np.zeros((1, LANES), dtype)
    x[0, [3, 7, 15]] = 1.5, -2.0, 1e-40 if dtype == np.float32 else 1e-300  # the last one is subnormal
    bits, first, number, summed = _inspect(x)
    assert (bits, first, number, summed) == (2**3 + 2**7 + 2**15, 3, 3, pytest.approx(-0.5))
    x[0, 0] = np.nan
    assert _inspect(x)[0] % 2 == 1


# The sum of 1 / (1 + exp(-0)) over the 16 numbers of one vector, and whether its machine code came from the disk.
_SUM = """
import json
import numpy as np
from hpsearch.nn.engines import kernels
a = np.zeros((1, 1, 16))
kernels._apply_logistic(a, 0, 0, 16)
print(json.dumps([kernels.__file__, a.sum(), bool(kernels._apply_logistic.stats.cache_hits)]))
"""


def test_a_change_of_the_kernels_leaves_no_stale_machine_code(tmp_path: Path) -> None:
    """16 logistic functions of 0 sum to 8; with 2 + exp(-z) for 1 + exp(-z), and 2 above it, to 16 * 2 / 3."""
    package = tmp_path / "hpsearch"
    shutil.copytree(Path(hpsearch.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    for lists in (package, package / "nn", package / "nn" / "engines"):
        (lists / "__init__.py").write_text("")  # a second of imports in each process, of which the kernels need none
    # Whatever file of the engines the logistic function is written in, which the test changes.
    one = "one = ir.Constant(args[0].type, [1.0] * LANES)"
    [source] = [path for path in (package / "nn" / "engines").glob("*.py") if one in path.read_text()]
    # Python compares its own cache with a file's date in whole seconds: keep none.
    own = {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}

    def compute() -> tuple[float, bool]:
        ran = subprocess.run([sys.executable, "-c", _SUM], env=os.environ | own, cwd=tmp_path, capture_output=True, check=True)
        file, total, cached = json.loads(ran.stdout)
        assert Path(file).is_relative_to(package)
        return total, cached

    assert [compute(), compute()] == [(8.0, False), (8.0, True)]
    source.write_text(source.read_text().replace(one, one.replace("1.0", "2.0")))
    assert compute() == (pytest.approx(16 * 2 / 3), False)


def test_what_is_compiled_is_written_in_one_file() -> None:
    """numba looks at the date of that file alone: an import of the package would be compiled in and grow stale."""
    tree = ast.parse(Path(kernels.__file__ or "").read_text())
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)]
    names = {node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name for node in imported}
    assert {name.split(".")[0] for name in names} == {"__future__", "llvmlite", "math", "numba", "numpy", "typing"}
    assert not [node for node in imported if isinstance(node, ast.ImportFrom) and node.level]


@numba.njit
def _both_sums(turned: Any, delta: Any, i: int, j: int, out: Any) -> None:
    """Write the sums by outputs, and those of each unit's vector of products."""
    store(out, 0, 0, 0, kernels._sum_products(turned, delta, 0, i, j))
    for unit in range(LANES):
        products = kernels.zeros(turned)
        row = np.empty((1, 1, LANES), turned.dtype)
        for k in range(LANES):
            row[0, 0, k] = turned[k, 0, j + unit]
        products = kernels.add_product(products, load(row, 0, 0, 0), load(delta, 0, i, 0))
        out[1, 0, unit] = sum_lanes(products)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_by_outputs_are_those_of_the_lanes_to_the_bit(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    for outputs in (1, 2, 9, 10, 16):
        turned = rng.normal(size=(LANES, 1, 3 * LANES)).astype(dtype)
        delta = (rng.normal(size=(1, 5, LANES)) * (np.arange(LANES) < outputs)).astype(dtype)
        turned[outputs:] = 0
        for i, j in ((0, 0), (3, LANES), (4, 2 * LANES)):
            out = np.empty((2, 1, LANES), dtype)
            _both_sums(turned, delta, i, j, out)
            assert out[0].tobytes() == out[1].tobytes()
