"""The structure of the package: imports point one way, importing stays light, public names are documented."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Collection
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import hpsearch
from hpsearch.ports import DataSet, ObjectiveBase, StrategyBase, TrackerBase

PACKAGE = Path(hpsearch.__file__).parent
ROOT = PACKAGE.parent
FILES = sorted(PACKAGE.rglob("*.py"))


def test_imports_keep_to_the_contracts() -> None:
    """The contracts stand in pyproject.toml; import-linter judges."""
    answer = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout


def modules() -> dict[str, ast.Module]:
    """Return the syntax tree of every module of the package, by dotted name."""
    files = {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in FILES}
    return {name: ast.parse(file.read_text()) for name, file in files.items()}


def imported(tree: ast.Module, known: Collection[str]) -> set[str]:
    """Return the modules of the package that a module imports anywhere, for typing or within functions too."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (whole & set(known)) or {str(node.module)}
    return found & set(known)


def test_no_two_files_import_each_other_by_any_way() -> None:
    trees = modules()
    graph = {name: imported(tree, trees) - {name} for name, tree in trees.items()}
    assert len(graph["hpsearch.study"]) > 5
    list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


def test_few_files_stand_at_the_top() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 5


def test_attributes_of_the_ports_are_read_by_name_in_one_file_alone() -> None:
    """Everything else reads the base classes of the ports, where a misspelt name is an error of the type checker."""
    names = {n for base in (ObjectiveBase, StrategyBase, TrackerBase, DataSet) for n in vars(base) if n[0] != "_"}
    probes = [
        (module, node.args[1])
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr", "inspect.getattr_static")
    ]
    assert [module for module, name in probes if isinstance(name, ast.Constant) and name.value in names] == []
    assert 1 <= sum(module == "hpsearch.ports.adapt" for module, _ in probes) <= 3
    assert [module for module, _ in probes if module.startswith(("hpsearch.ports.", "hpsearch.search.loop"))] == [
        "hpsearch.ports.adapt"
    ] * 2


def test_importing_hpsearch_loads_no_heavy_library() -> None:
    heavy = {"mlflow", "optuna", "opda", "sklearn", "numba", "pandas", "matplotlib", "plotly", "scipy"}
    code = f"import hpsearch, sys; print(sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_files_say_what_they_are(file: Path) -> None:
    assert file.read_text().startswith('"""')


def test_public_names_are_sorted_present_and_documented() -> None:
    assert hpsearch.__all__ == sorted(hpsearch.__all__, key=lambda name: (name.islower(), name))
    assert [name for name in hpsearch.__all__ if not getattr(hpsearch, name).__doc__] == []
    with pytest.raises(AttributeError, match="no attribute 'Stduy'"):
        _ = hpsearch.Stduy
