"""Typed params of recorded trials, read from the text of their space alone: its classes may no longer exist."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

_NUMBERS = {"Float": float, "Int": int}


def typed_params(space: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return params with numbers as numbers and options as the literals that the space lists; anything else stays a text.

    Args:
        space: the repr of a space. Nothing in it is evaluated.
        texts: recorded params by name.

    >>> typed_params("Space(rate=Float(0.1, 1.0), act=Choice('relu', 10, None))", {"rate": "0.30000000000000004", "act": "10"})
    {'rate': 0.30000000000000004, 'act': 10}
    """
    try:
        tree = ast.parse(space, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return dict(texts)
    domains = dict(_domains(tree, ""))
    return {name: _typed(domains.get(name), text) for name, text in texts.items()}


def _domains(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield the domains of a space, and those of the templates among a choice's options, by the name of their parameter."""
    for keyword in node.keywords if isinstance(node, ast.Call) else ():
        value, name = keyword.value, f"{prefix}{keyword.arg}"
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in (*_NUMBERS, "Choice"):
            yield name, value
            for option in value.args if value.func.id == "Choice" else ():
                yield from _domains(option, f"{name}.")


def _typed(domain: ast.Call | None, text: str) -> Any:
    if domain is None or not isinstance(domain.func, ast.Name):
        return text
    if domain.func.id in _NUMBERS:
        with suppress(ValueError):
            return _NUMBERS[domain.func.id](text)
        return text
    for option in domain.args:
        with suppress(ValueError):
            value = ast.literal_eval(option)
            if text == (value if isinstance(value, str) else repr(value)):
                return value
    return text
