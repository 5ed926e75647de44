"""The places of a source file where a mutation says something about its tests, and a seeded sample of them."""

from __future__ import annotations

import ast
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# Near neighbours only: a multiplication that becomes a shift fails at the first call, whatever the tests look at.
OPERATORS = (
    *(f"ReplaceBinaryOperator_{pair}" for pair in ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "Pow_Mul", "FloorDiv_Mul")),
    *(f"ReplaceBinaryOperator_{pair}" for pair in ("Mod_FloorDiv", "BitOr_BitAnd", "BitAnd_BitOr")),
    *(f"ReplaceComparisonOperator_{pair}" for pair in ("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is")),
    *(f"ReplaceComparisonOperator_{pair}" for pair in ("Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt")),
    *(f"ReplaceComparisonOperator_{pair}" for pair in ("Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt")),
    *(f"ReplaceUnaryOperator_{pair}" for pair in ("USub_UAdd", "Delete_USub", "Delete_Not")),
    *("AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "NumberReplacer", "ZeroIterationForLoop"),
)
# Calls whose arguments are texts for people or lengths of a pause, and arguments that change nothing where the code is right.
_TEXTS = {"must_be", "sleep", "warn", "debug", "info", "warning", "error", "exception"}
_SILENT = {"advice", "strict", "stacklevel", "compare", "repr", "timeout"}

Position = tuple[int, int]


@dataclass(frozen=True)
class Mutation:
    """One change of one file: the occurrence of an operator, at a place."""

    file: str
    operator: str
    occurrence: int
    line: int
    column: int

    def apply(self, source: str) -> str:
        """Return the changed source."""
        from cosmic_ray.mutating import mutate_code
        from cosmic_ray.operators.provider import OperatorProvider

        changed = mutate_code(source, OperatorProvider()[self.operator](), self.occurrence)
        assert isinstance(changed, str)
        return changed


def pointless(source: str) -> list[tuple[Position, Position]]:
    """Return the spans where no test should have to notice a change: annotations, texts, declarations of a class.

    >>> pointless("def f(x: int | None) -> int:\\n    raise ValueError(x + 1)")
    [((1, 9), (1, 19)), ((1, 24), (1, 27)), ((2, 4), (2, 27))]
    """
    lines = source.split("\n")

    def at(line: int, byte: int) -> Position:
        return line, len(lines[line - 1].encode()[:byte].decode())

    nodes = [node for parent in ast.walk(ast.parse(source)) for node in _pointless_parts(parent)]
    return sorted((at(n.lineno, n.col_offset), at(n.end_lineno or n.lineno, n.end_col_offset or 0)) for n in nodes)


def _pointless_parts(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Yield the parts of a node that are left alone."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield from node.decorator_list
    if isinstance(node, ast.FunctionDef):
        yield from [part for part in (node.returns,) if part]
        yield from node.body if node.name in ("__repr__", "_show") else ()
    if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
        yield node.annotation
    if isinstance(node, ast.Raise) or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
        yield node
    if isinstance(node, ast.Call):
        yield from [word.value for word in node.keywords if word.arg in _SILENT]
        yield from [node] if getattr(node.func, "id", getattr(node.func, "attr", "")) in _TEXTS else []
    if isinstance(node, ast.Module):  # names of types, such as `Hard = bool | None`
        yield from [s for s in node.body if isinstance(s, ast.Assign) and isinstance(s.value, ast.BinOp | ast.Subscript)]


def mutations(file: str, source: str) -> list[Mutation]:
    """Return every mutation of a file that is not pointless."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.operators.provider import OperatorProvider

    spans, nodes, found = pointless(source), list(ast_nodes(get_ast(source))), []
    for name in OPERATORS:
        operator = OperatorProvider()[name]()
        starts = [start for node in nodes for start, _ in operator.mutation_positions(node)]
        kept = [(i, s) for i, s in enumerate(starts) if not any(low <= s < high for low, high in spans)]
        found += [Mutation(file, name, index, *start) for index, start in kept]
    return found


def draw(root: Path, packages: Sequence[str], count: int, seed: int) -> list[Mutation]:
    """Return ``count`` mutations of the files below ``root``, the packages in turn; a shorter sample begins a longer one.

    Every place is drawn at most once, with one of the changes that are possible there.
    """
    shuffled = []
    for package in packages:
        rng, places = random.Random(f"{package} {seed}"), defaultdict[object, list[Mutation]](list)
        for file in sorted((root / "hpsearch" / package).rglob("*.py")):
            for mutation in mutations(str(file.relative_to(root)), file.read_text()):
                places[mutation.file, mutation.line, mutation.column].append(mutation)
        found = [rng.choice(changes) for changes in places.values()]
        rng.shuffle(found)
        shuffled.append(found)
    rounds = [[found[i] for found in shuffled if i < len(found)] for i in range(max(map(len, shuffled), default=0))]
    return [mutation for turn in rounds for mutation in turn][:count]
