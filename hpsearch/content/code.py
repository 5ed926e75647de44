"""Code of functions as text that comments and docstrings do not change; what it reads and writes beside its arguments."""

from __future__ import annotations
import __future__

import ast
import dis
import linecache
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

# The names that lead from an object to what is read or written: ("settings", "rate") is settings.rate.
NamePath = tuple[str, ...]
# Methods of containers that change them.
_CHANGES = frozenset(
    {
        *("add", "append", "appendleft", "clear", "discard", "extend", "extendleft"),
        *("insert", "pop", "popitem", "popleft", "remove", "setdefault", "update"),
    }
)
# Fields of a syntax tree that do not decide what the code does; what a decorator made is a function of its own.
_IDLE = frozenset(("annotation", "ctx", "decorator_list", "kind", "returns", "type_comment", "type_params"))
_GLOBAL = frozenset(("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"))
_ATTRIBUTE = frozenset(("LOAD_ATTR", "LOAD_METHOD"))
# The name by which assertions that pytest has rewritten reach its own code.
_PYTEST = "@pytest_ar"
_FUTURE = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def code_text(function: FunctionType) -> tuple[str, bool]:
    """Return the code of a function as text, and whether it comes from its source; without one it is the bytecode."""
    node = find_definition(function)
    return (_node_text(node), True) if node is not None else (_bytecode_text(function), False)


def find_definition(function: FunctionType) -> _Definition | None:
    """Return the syntax tree of a function, or None where its source is not there or is no longer what was loaded."""
    code = function.__code__
    linecache.checkcache(code.co_filename)
    source = "".join(linecache.getlines(code.co_filename, function.__globals__))
    definitions = _definitions(source, code.co_flags & _FUTURE) if source else {}
    known = definitions.get(code.co_qualname, ())
    if _PYTEST in names_loaded(code):  # pytest rewrites assertions as it loads a module; the source is what was meant
        alike = [node for _, node in known if _first_line(node) == code.co_firstlineno]
    else:
        alike = [node for other, node in known if _does(other) == _does(code)]
    near = [node for node in alike if _first_line(node) == code.co_firstlineno]
    if len(near) > 1:  # lambdas of one line: any of those that do the same, by their text
        near = sorted(near, key=_node_text)
    return next(iter(near or alike), None)


def module_text(source: str) -> str:
    """Return the code of a whole module as text."""
    return _node_text(ast.parse(source))


@lru_cache(maxsize=4096)
def names_loaded(code: CodeType) -> frozenset[str]:
    """Return every name that a function's code uses, attributes included."""
    return frozenset(code.co_names).union(*(names_loaded(inner) for inner in _inner(code)))


@lru_cache(maxsize=4096)
def paths_read(code: CodeType) -> frozenset[NamePath]:
    """Return the globals that the code reads, each with the attributes that are read of it at once."""
    found: set[NamePath] = set()
    path: NamePath = ()
    for step in dis.get_instructions(code):
        if path and step.opname in _ATTRIBUTE:
            path = (*path, step.argval)
            continue
        if path:
            found.add(path)
        path = (step.argval,) if step.opname in _GLOBAL and step.argval.isidentifier() else ()  # no names of pytest's own
    return frozenset(found).union(*(paths_read(inner) for inner in _inner(code)))


@lru_cache(maxsize=4096)
def globals_assigned(code: CodeType) -> frozenset[str]:
    """Return the globals that the code assigns to or deletes."""
    found = {step.argval for step in dis.get_instructions(code) if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL")}
    return frozenset(found).union(*(globals_assigned(inner) for inner in _inner(code)))


@lru_cache(maxsize=4096)
def modules_imported(code: CodeType) -> frozenset[tuple[str, int]]:
    """Return the modules that the code imports when it runs, each with its level (0 where it is not relative)."""
    steps = [step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG"]
    imports = [index for index, step in enumerate(steps) if step.opname == "IMPORT_NAME"]
    found = {(steps[index].argval, int(steps[index - 2].argval or 0)) for index in imports}
    return frozenset(found).union(*(modules_imported(inner) for inner in _inner(code)))


def paths_written(function: FunctionType) -> tuple[set[NamePath], set[NamePath]]:
    """Return what a function assigns to, and what it changes in place: paths that begin at one of its names.

    Without a source only changes by a method are found, such as ``log.append(x)``.
    """
    node = find_definition(function)
    if node is None:
        return set(), {path[:-1] for path in paths_read(function.__code__) if len(path) > 1 and path[-1] in _CHANGES}
    writes = _Writes()
    writes.visit(node)
    return writes.assigned, writes.changed


class _Writes(ast.NodeVisitor):
    """The paths that a function assigns to and changes; a local name for a path counts as that path."""

    def __init__(self) -> None:
        self.assigned: set[NamePath] = set()
        self.changed: set[NamePath] = set()
        self._outer: set[str] = set()
        self._aliases: dict[str, ast.expr] = {}

    def visit_Global(self, node: ast.Global) -> None:
        self._outer.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self._outer.update(node.names)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id not in self._outer:
                self._rename(target.id, node.value)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGES:
            self.changed.update(filter(None, [self._path(node.func.value)]))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        alias = self._aliases.get(node.target.id) if isinstance(node.target, ast.Name) else None
        if alias is not None and not isinstance(alias, ast.Subscript):  # a list is extended in place, a number is not
            self.changed.update(filter(None, [self._path(alias)]))

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load) and node.id in self._outer:
            self.assigned.add((node.id,))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            self.assigned.update(filter(None, [self._path(node)]))

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            self.changed.update(filter(None, [self._path(node.value)]))

    def _rename(self, name: str, value: ast.expr) -> None:
        """Keep what a local name stands for from here on; of another local name what that stands for."""
        if isinstance(value, ast.Name) and value.id in self._aliases:
            value = self._aliases[value.id]
        self._aliases.pop(name, None)
        if self._path(value) and self._path(value)[0] != name:
            self._aliases[name] = value

    def _path(self, node: ast.expr) -> NamePath:
        if isinstance(node, ast.Name):
            alias = self._aliases.get(node.id)
            return (node.id,) if alias is None else self._path(alias)
        if isinstance(node, ast.Attribute):
            before = self._path(node.value)
            return (*before, node.attr) if before else ()
        return self._path(node.value) if isinstance(node, ast.Subscript) else ()


@lru_cache(maxsize=32)
def _definitions(source: str, flags: int) -> dict[str, list[tuple[CodeType, _Definition]]]:
    """Return all functions of a source by qualified name: the code that Python makes of each, and its syntax tree."""
    try:
        tree = ast.parse(source)
        module = compile(tree, "<source>", "exec", flags=flags, dont_inherit=True)
    except (SyntaxError, ValueError):
        return {}
    named: dict[tuple[str, int], _Definition] = {}
    lambdas = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            named[node.name, _first_line(node)] = node
    found: dict[str, list[tuple[CodeType, _Definition]]] = {}
    for code in _all(module):
        here = _lambda_of(code, lambdas) if code.co_name == "<lambda>" else named.get((code.co_name, code.co_firstlineno))
        if here is not None:
            found.setdefault(code.co_qualname, []).append((code, here))
    return found


def _lambda_of(code: CodeType, lambdas: list[ast.Lambda]) -> ast.Lambda | None:
    """Return the innermost lambda whose body holds all that the code consists of."""
    places = [(line, column, end, last) for line, end, column, last in code.co_positions() if line and end and column and last]
    holding = [
        (_span(node.body), node)
        for node in lambdas
        if places and all(_span(node.body)[:2] <= p[:2] and p[2:] <= _span(node.body)[2:] for p in places)
    ]
    return max(holding, key=lambda found: found[0])[1] if holding else None


def _span(node: ast.expr) -> tuple[int, int, int, int]:
    return node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0


def _first_line(node: _Definition) -> int:
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _does(code: CodeType) -> tuple[object, ...]:
    """Return what a code object does, without its place."""
    constants = tuple(_does(c) if isinstance(c, CodeType) else (type(c), c) for c in code.co_consts)
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, constants


def _node_text(node: object) -> str:
    if isinstance(node, list):
        return f"[{', '.join(map(_node_text, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {name: value for name, value in ast.iter_fields(node) if name not in _IDLE and value is not None and value != []}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module) and ast.get_docstring(node, False):
        fields["body"] = node.body[1:]
    return f"{type(node).__name__}({', '.join(f'{name}={_node_text(value)}' for name, value in fields.items())})"


def _bytecode_text(function: FunctionType) -> str:
    return _bytes_text(function.__code__, function.__doc__)


def _bytes_text(code: CodeType, docstring: object) -> str:
    constants = code.co_consts[1:] if docstring is not None and code.co_consts[:1] == (docstring,) else code.co_consts
    texts = [_bytes_text(c, None) if isinstance(c, CodeType) else _constant_text(c) for c in constants]
    return f"{code.co_code.hex()} {code.co_exceptiontable.hex()} {texts} {code.co_names} {code.co_varnames} {code.co_freevars}"


def _constant_text(constant: Any) -> str:
    if isinstance(constant, (tuple, frozenset)):
        parts = [_constant_text(item) for item in constant]
        return f"{type(constant).__name__} {sorted(parts) if isinstance(constant, frozenset) else parts}"
    return repr(constant)


def _inner(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _all(code: CodeType) -> Iterator[CodeType]:
    for inner in _inner(code):
        yield inner
        yield from _all(inner)
