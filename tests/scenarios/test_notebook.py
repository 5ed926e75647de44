"""Studies in a real Jupyter kernel: their display, and a cell that is run again with other code as another objective."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")

SETUP = """
from hpsearch import Float, Space, Study
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker
tracker = MemoryTracker()
def run(objective, **options):
    study = Study("s", Space(x=Float(0, 1)), objective, Random(trials=2))
    try:
        return len(study.run(backend="sequential", tracker=tracker, **options).trials)
    except Exception as error:
        return str(error)
"""
CLASS = """
class Objective:
    def __call__(self, params):
        return {factor} * params["x"]{comment}
print(run(Objective()))
"""


QUESTIONS = """
from hpsearch import Float, Space, Study
from hpsearch.strategies import Random
print(repr(Study("s", Space(x=Float(0, 1)), lambda params: 0.0, Random(trials=2)).question))
"""


@pytest.mark.campaign
def test_a_notebook_has_no_question_that_its_author_did_not_write(tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text(QUESTIONS)
    (tmp_path / "asks.py").write_text(f"'Which one?'\n{QUESTIONS}")
    cells = [QUESTIONS, "%run bare.py", "%run -i bare.py", "%run asks.py"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    said = ["".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells]
    assert said == ["''\n", "''\n", "''\n", "'Which one?'\n"]


@pytest.mark.campaign
def test_a_class_that_is_defined_again_is_another_objective(tmp_path: Path) -> None:
    cells = [
        SETUP,
        CLASS.format(factor=1, comment=""),
        CLASS.format(factor=1, comment="  # the same"),
        CLASS.format(factor=2, comment=""),
        "rate = 1\nfunction = lambda params: rate * params['x']\nprint(run(function, fresh=True))",
        "rate = 2\nprint(run(function))",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    said = [
        "".join(output.get("text", "") for output in cell.outputs if output.get("name") == "stdout")
        for cell in notebook.cells[1:]
    ]
    assert said[0] == said[1] == said[3] == "2\n"
    assert "objective was Objective() (content" in said[2]
    assert "objective was <lambda> (content" in said[4]
    assert "bytecode" not in said[2] + said[4]  # the cells are the source


LIVE = """
import time
from hpsearch import Int, Space, Study
from hpsearch.strategies import Grid
from hpsearch.tracking import MemoryTracker
def slow(params, context):
    for step in range(1, 31):
        time.sleep(0.1)
        context.report(step, cost=0.5)
    if params["n"] == 1:
        raise ValueError("not <this>")
    return 0.0
study = Study("live", Space(n=Int(0, 1)), slow, Grid())
trials = study.run(2, tracker=MemoryTracker()).trials
"""


@pytest.mark.campaign
def test_a_cell_shows_what_runs_and_keeps_how_it_ended(tmp_path: Path) -> None:
    seen: list[str] = []

    class Client(nbclient.NotebookClient):  # type: ignore[misc]
        def process_message(self, msg: dict[str, Any], *args: Any) -> Any:
            seen.append(msg["content"].get("data", {}).get("text/html", ""))
            return super().process_message(msg, *args)

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(LIVE)])
    Client(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert any("Starting ..." in text for text in seen)
    assert any("trial 0, " in text and "cost 0.5" in text for text in seen)
    (shown,) = [output["data"]["text/html"] for output in notebook.cells[0].outputs if "data" in output]
    assert "2/2 done in " in shown
    assert "trial 1 failed: ValueError: not &lt;this&gt;" in shown


RESULT = """
from hpsearch import Float, Space, Study
from hpsearch.strategies import Random
study = Study("shown", Space(x=Float(0, 1)), lambda params: params["x"], Random(trials=8))
result = study.run(2)
"""


@pytest.mark.campaign
def test_a_result_in_a_notebook_with_a_store(tmp_path: Path) -> None:
    """Nothing is written to stderr, and the result, its plot and its link are there."""
    (tmp_path / "pyproject.toml").touch()
    cells = [RESULT, "result", "result.plot('slice')", "study.run(2, fresh=True).table()[:1]"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    assert [output["text"] for output in outputs if output.get("name") == "stderr"] == []
    shown = notebook.cells[1].outputs[0]["data"]["text/html"]
    assert "data:image/png;base64," in shown
    assert 'href="http://127.0.0.1:5000/#/experiments/' in shown
    assert notebook.cells[2].outputs[0]["data"]["image/png"]
