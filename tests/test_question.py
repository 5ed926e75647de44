"""The question of a study: the docstring that its author wrote, and none that some program made."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from hpsearch import Float, Space, Study
from hpsearch.strategies import Random

MAKE = "from tests.test_question import arguments\nfrom hpsearch import Study\nstudy = Study(**arguments())\n"


def arguments() -> dict[str, Any]:
    return {"name": "s", "space": Space(x=Float(0, 1)), "objective": lambda params: params["x"], "strategy": Random(2)}


def question(code: str, name: str, **around: object) -> str:
    """Return the question of the study that some code makes in the module of a prompt, a notebook or a program."""
    space: dict[str, Any] = {"__name__": "__main__"} | around
    exec(compile(code, name, "exec"), space)
    return str(space["study"].question)


@pytest.mark.parametrize("name", ["<string>", "<stdin>", "<ipython-input-1-abc>", "study.py"])
@pytest.mark.parametrize(
    "text",
    [
        # The texts of IPython 9's sources, of a notebook and of ``%run``.
        "Automatically created module for IPython interactive environment",
        "Module created for script run in IPython",
        builtins.__doc__,
        None,
        3,
        "",
    ],
)
def test_what_no_author_wrote_is_no_question(text: object, name: str) -> None:
    assert question(MAKE, name, __doc__=text) == ""
    assert question(MAKE, name) == ""
    assert question('"""Which one is best?\n\nMore."""\n' + MAKE, name, __doc__=text) == "Which one is best?"


def test_the_module_of_the_tests_is_not_asked() -> None:
    """Not even where the code has no file: the docstring of pytest's own module is not the author's."""
    assert question(MAKE, "<string>") == ""
    assert (
        Study(**arguments()).question
        == "The question of a study: the docstring that its author wrote, and none that some program made."
    )
