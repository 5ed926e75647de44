"""The command line as a person uses it: real files, real SQLite, and real processes where a process is the point."""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from hpsearch.cli.application import run
from hpsearch.cli.options import RunOptions
from hpsearch.nn import load
from hpsearch.tracking.home.app import is_installed
from tests.command import run_command

STUDY = '''
"""Where is the parabola lowest?"""
import os, time
from hpsearch import Choice, Context, Float, Space, Study, main
from hpsearch.strategies import Random

def parabola(params, context):
    time.sleep(float(os.environ.get("SLOW", "0")))
    for step in range(3):
        context.report(step, gap=abs(params["x"]) / (step + 1))
    if params["c"] == "bad":
        raise ValueError("planted failure")
    return {"value": params["x"] ** 2 + 0.01 * context.rng.random(), "size": 3}

study = Study(
    name="parabola",
    space=Space(x=Float(-1.0, 1.0), c=Choice("good", "fine", "bad")),
    objective=parabola,
    strategy=Random(trials=int(os.environ.get("TRIALS", "8"))),
    seed=1,
)

if __name__ == "__main__":
    main(study)
'''


@pytest.fixture
def project(tmp_path: Path, put_store: Callable[[Path], Path]) -> Path:
    put_store(tmp_path)
    (tmp_path / "study.py").write_text(STUDY)
    return tmp_path


def hpsearch(
    project: Path, *arguments: str, code: int | None = 0, answer: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    # Drawing the report takes seconds; the story below looks at it, the other runs do without.
    quick = ["--no-report"] if arguments[0] == "run" and "--report" not in arguments else []
    done = run_command(project, *arguments, *quick, answer=answer, **environment)
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done


def test_a_study_from_run_to_delete(project: Path) -> None:
    """One story, in the order a person would live it; each step works on what the one before left."""
    ran = hpsearch(project, "run", "study.py", "--jobs", "2", "--report")
    assert "Best 5 of 8 trials" in ran.stdout
    kept = {file.name for file in (project / "mlruns" / "artifacts").rglob("artifacts/*")}
    assert kept >= {"plots", "report.html", "trials.csv"}
    assert re.search(r"failed \(first: trial \d+\): ValueError: planted failure", ran.stdout)
    assert "workflowType=machine_learning" in ran.stdout
    assert (project / "mlruns" / "mlflow.db").is_file()

    again = hpsearch(project, "run", "study.py")
    assert "All 8 trials of parabola are recorded already" in again.stdout

    listed = hpsearch(project, "list")
    assert "parabola" in listed.stdout
    assert "study.py" in listed.stdout

    shown = hpsearch(project, "show", "parabola").stdout
    assert "Where is the parabola lowest?" in shown
    assert "Random(trials=8)" in shown

    reported = hpsearch(project, "report", "parabola", "--out", "page.html").stdout
    assert "The report of parabola is written to page.html" in reported
    assert "Where is the parabola lowest?" in (project / "page.html").read_text()
    hpsearch(project, "plot", "parabola", "slice", "--out", "slice.png")
    assert (project / "slice.png").read_bytes().startswith(b"\x89PNG")
    unknown = hpsearch(project, "plot", "parabola", "slices", code=2).stderr
    assert "A kind of picture must be one of history, curves, layers, slice" in unknown
    assert "Did you mean 'slice'?" in unknown
    assert "in a folder that exists" in hpsearch(project, "report", "parabola", "--out", "no/page.html", code=2).stderr
    for given, sentence in {
        ("map", "--out", "map.gif"): "ending in .png, .svg, .pdf, .html",
        ("map",): "A map needs two numeric parameters",
        ("slice", "--x", "x"): "A kind with x, y or by must be 'map'",
        ("map", "--by", "nothing"): "by must be one of the param",
    }.items():
        assert sentence in hpsearch(project, "plot", "parabola", *given, code=2).stderr

    best = int(re.findall(r"^\s+(\d+)\s+\d", ran.stdout, re.MULTILINE)[0])
    assert "bit-identical" in hpsearch(project, "rerun", "parabola", str(best)).stdout

    more = hpsearch(project, "run", "study.py", TRIALS="12")
    assert "8 finished trials" in more.stdout
    assert "of 12 trials" in more.stdout

    assert "has no network: its objective has no export" in hpsearch(project, "export", "parabola", code=2, TRIALS="12").stderr
    assert "no sealed test part" in hpsearch(project, "test", "parabola", code=2, TRIALS="12").stderr
    hpsearch(project, "delete", "parabola", answer="n\n", code=130)
    assert "parabola" in hpsearch(project, "list").stdout
    hpsearch(project, "delete", "parabola", answer="y\n")
    assert "No study is recorded here yet" in hpsearch(project, "list").stdout
    assert not list((project / "mlruns" / "artifacts").rglob("*.*"))
    hpsearch(project, "run", "study.py", "--jobs", "1")


def test_python_file_is_the_same_command(project: Path) -> None:
    """Nor does it need a store: the first run makes one."""
    (project / "mlruns" / "mlflow.db").unlink()
    command = [sys.executable, "study.py", "--jobs", "2", "--no-report"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "Best 5 of 8 trials" in done.stdout
    assert "recorded already" in hpsearch(project, "run", "study.py").stdout


NETWORK = """
from hpsearch import Float, Space, Study, data
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import Random

space = Space(learning_rate=Float(0.1, 1.0))
study = Study("net", space, TrainNetwork(data.digits(), hidden=(5,), epochs=1), Random(trials=2))
"""


def test_the_best_network_is_logged_unless_asked_not_to(project: Path) -> None:
    (project / "net.py").write_text(NETWORK)
    assert "MLflow model" not in hpsearch(project, "run", "net.py", "--no-model").stdout
    (address,) = re.findall(r"logged as an MLflow model: (models:/m-\w+)\n", hpsearch(project, "run", "net.py").stdout)
    (network,) = (project / "mlruns" / "artifacts" / "net").rglob("network.npz")
    assert address.removeprefix("models:/") in network.parts

    assert "Written: best.npz, the network of trial" in hpsearch(project, "export", "net", "--out", "best.npz").stdout
    exported, logged = load(project / "best.npz"), load(network)
    assert all((ours == theirs).all() for ours, theirs in zip(exported.weights, logged.weights, strict=True))
    assert "in a folder that exists" in hpsearch(project, "export", "net", "--out", "no/best.npz", code=2).stderr


def test_without_arguments_the_help_is_printed(project: Path) -> None:
    """`hpsearch` alone asks for nothing wrong: the same text and the same code as `hpsearch --help`."""
    plain = subprocess.run([sys.executable, "-m", "hpsearch.cli"], cwd=project, capture_output=True, text=True, check=False)
    asked = subprocess.run([*plain.args, "--help"], cwd=project, capture_output=True, text=True, check=False)
    assert plain.returncode == asked.returncode == 0
    assert plain.stdout == asked.stdout
    assert "reproduce" in plain.stdout


def test_a_study_file_takes_the_options_of_run(project: Path) -> None:
    named = {"FILE", "--study"}  # what names the study
    of_run = set(re.findall(r"--[a-z-]+", hpsearch(project, "run", "--help").stdout)) - named
    command = [sys.executable, "study.py", "--help"]
    own = subprocess.run(command, cwd=project, env={**os.environ, "COLUMNS": "160"}, capture_output=True, text=True, check=True)
    assert set(re.findall(r"--[a-z-]+", own.stdout)) == of_run
    assert "Where is the parabola lowest?" in own.stdout
    parameters = set(inspect.signature(run).parameters) - {"file", "study"}
    assert {field.name for field in dataclasses.fields(RunOptions)} == parameters


@pytest.mark.parametrize(
    ("elsewhere", "store"),
    [
        pytest.param(False, None, id="its own store, in the project", marks=pytest.mark.campaign),
        pytest.param(True, None, id="its own store, from another folder"),
        pytest.param(False, "sqlite:///my runs.db", id="another store, in the project"),
        pytest.param(True, "sqlite:///my runs.db", id="another store, from another folder", marks=pytest.mark.campaign),
    ],
)
def test_the_last_lines_of_a_run_name_a_command_that_works_as_typed(tmp_path: Path, elsewhere: bool, store: str | None) -> None:
    """The printed command goes to a shell as it is, but for `list` in place of `ui`, which would keep on serving."""
    project, other = tmp_path / "it's mine", tmp_path / "other"
    for folder in (project, other):
        (folder / "mlruns").mkdir(parents=True)
    (project / "study.py").write_text(STUDY)
    here = other if elsewhere else project
    given = ["--tracking-uri", store] if store else []
    done = hpsearch(here, "run", str(project / "study.py"), "--jobs", "1", *given, TRIALS="1").stdout
    assert "Best 1 of 1 trial by" in done or "Best 0 of 1 trial by" in done
    (command,) = re.findall(r"^See it in MLflow: (.*)$", done, re.MULTILINE)
    home = "Then open: http://127.0.0.1:5000/hpsearch\nIts trials: " if is_installed() else "Then open: "
    assert re.search(rf"^{home}http://127\.0\.0\.1:5000/#/\S+$", done, re.MULTILINE)
    assert command.count("hpsearch ui") == 1
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    typed = subprocess.run(
        command.replace("hpsearch ui", "hpsearch list"),
        shell=True, cwd=here, env={**os.environ, "PATH": path, "MLFLOW_TRACKING_URI": "", "COLUMNS": "160"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "parabola" in typed.stdout


def test_smoke_leaves_no_record(tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text(STUDY)
    done = hpsearch(tmp_path, "run", "study.py", "--smoke", TRIALS="5000")
    assert "of 2 trials" in done.stdout
    assert [file.name for file in tmp_path.iterdir()] == ["study.py"]


@pytest.mark.campaign
def test_ctrl_c_ends_with_130_and_says_how_to_go_on(project: Path) -> None:
    environment = {**os.environ, "SLOW": "0.3", "TRIALS": "200"}
    process = subprocess.Popen(
        [sys.executable, "-m", "hpsearch.cli", "run", "study.py", "--jobs", "2", "--no-report"],
        cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        # A shell that runs the tests in the background has its children ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stdout is not None
    while "done" not in process.stdout.readline():
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "resume with: hpsearch run" in errors
    assert "Traceback" not in errors
    goes_on = hpsearch(project, "run", "study.py", TRIALS="200", SLOW="0")
    assert "of 200 trials" in goes_on.stdout
    assert "resuming from there" in goes_on.stdout


WRONG = {
    "no file": (["run", "missing.py"], "Study file 'missing.py' does not exist"),
    "a folder": (["run", "."], "Study file '.' is a folder"),
    "not python": (["run", "notes.txt"], "must be Python with the ending .py"),
    "no study": (["run", "empty.py"], "empty.py defines no study"),
    "broken file": (["run", "broken.py"], "broken.py, line 2: NameError"),
    "bad syntax": (["run", "syntax.py"], "syntax.py, line 1: SyntaxError"),
    "negative jobs": (["run", "study.py", "--jobs", "-1"], "jobs must be a whole number >= 1, got -1"),
    "no number of jobs": (["run", "study.py", "--jobs", "two"], "jobs must be a whole number >= 1, got 'two'"),
    "unknown backend": (["run", "study.py", "--backend", "dask"], "backend must be one of 'loky', 'threading', 'sequential'"),
    "unreachable server": (["run", "study.py", "--tracking-uri", "http://127.0.0.1:9"], "127.0.0.1:9"),
    "unknown scheme": (["run", "study.py", "--tracking-uri", "foo://x"], "foo://x"),
    "unknown study": (["show", "parabole"], "parabole"),
    "report of an unknown study": (["report", "parabole"], "parabole"),
    "unknown command": (["runn"], "No such command 'runn'"),
    "low above high": (["run", "range.py"], "range.py, line 3: Float needs low <= high, got low=1.0, high=0.5"),
    "two studies": (["run", "two.py"], "two.py defines 2 studies: parabola, other. Pick one with --study NAME"),
    "unknown data set": (["run", "data.py"], "data.py, line 2"),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_wrong_input_is_one_sentence_and_code_2(project: Path, case: str) -> None:
    files = {
        "notes.txt": "hello",
        "empty.py": "x = 1",
        "broken.py": "x = 1\ny = z\n",
        "syntax.py": "def (",
        "range.py": "from hpsearch import *\nfrom hpsearch import Float\nFloat(1.0, 0.5)\n",
        "two.py": STUDY + "\nimport dataclasses\nother = dataclasses.replace(study, name='other')\n",
        "data.py": "from hpsearch import data\ndata.named('minst')\n",
    }
    for name, text in files.items():
        (project / name).write_text(text)
    arguments, message = WRONG[case]
    done = hpsearch(project, *arguments, code=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_file_in_the_place_of_mlruns_is_refused(project: Path) -> None:
    shutil.rmtree(project / "mlruns")
    (project / "mlruns").write_text("in the way")
    (project / "pyproject.toml").touch()
    done = hpsearch(project, "run", "study.py", code=2)
    assert "mlruns" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.campaign
def test_pages_answer_on_loopback_and_end_with_the_command(project: Path) -> None:
    """Terminate the command as a service manager would: the server it started must be gone too."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "hpsearch.cli", "ui", "--port", str(port)],
        cwd=project,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        assert f"http://127.0.0.1:{port}" in process.stdout.readline()
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10).read() == b"OK"
    finally:
        process.terminate()
    assert process.wait(timeout=30) == 143
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)


def test_marks_in_names_and_values_are_shown_as_they_are(project: Path) -> None:
    text = STUDY.replace('name="parabola"', 'name="obj[/x]"').replace('Choice("good", "fine", "bad")', 'Choice("[a]", "[b]")')
    (project / "study.py").write_text(text)
    assert "[a]" in hpsearch(project, "run", "study.py", "--jobs", "1").stdout
    assert "obj[/x]" in hpsearch(project, "list").stdout


def test_a_study_in_which_nothing_finished_says_so_and_ends_with_1(project: Path) -> None:
    (project / "study.py").write_text(STUDY.replace('if params["c"] == "bad":', "if True:"))
    done = hpsearch(project, "run", "study.py", "--jobs", "1", code=1)
    assert "No trial has finished. The first error: ValueError: planted failure" in done.stderr
    assert "The first 5 trials failed in the same way (ValueError: planted failure), so the study ended" in done.stdout


def test_another_store_is_named_in_the_hint(project: Path) -> None:
    uri = f"sqlite:///{project}/other/mlflow.db"
    done = hpsearch(project, "run", "study.py", "--jobs", "1", "--tracking-uri", uri)
    assert f"hpsearch ui --tracking-uri {uri}" in done.stdout


def test_an_objective_that_cannot_travel_leaves_the_record_alone(project: Path) -> None:
    hpsearch(project, "run", "study.py", "--jobs", "2")
    locked = STUDY.replace("import os, time", "import os, threading, time\nLOCK = threading.Lock()").replace(
        "    time.sleep", "    LOCK.locked()\n    time.sleep"
    )
    (project / "study.py").write_text(locked)
    refused = hpsearch(project, "run", "study.py", "--fresh", "--jobs", "2", code=2)
    assert "An objective must be picklable" in refused.stderr
    assert "finished" in hpsearch(project, "list").stdout


def test_help_answers_quickly_without_heavy_imports() -> None:
    code = (
        "import sys; from hpsearch.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: print(sorted({'mlflow', 'sklearn', 'pandas', 'optuna', 'matplotlib', 'plotly'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
    assert "rerun" in done.stdout


def test_a_command_ends_at_once() -> None:
    """At its end Python leaves what is in memory to the system; before that, a program that called it collects as always."""
    code = "import atexit, gc\nfrom hpsearch.cli.application import app\n"
    code += "try: app(['--version'])\nexcept SystemExit: print(gc.get_freeze_count())\n"
    code += "atexit._run_exitfuncs()\nprint(gc.get_freeze_count() > 10_000)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1:] == ["0", "True"]


@pytest.mark.parametrize("words", [["shwo"], ["list", "--jsn"], ["show"]])
def test_a_usage_error_is_one_sentence_and_where_to_look(project: Path, words: list[str]) -> None:
    done = run_command(project, *words)
    assert done.returncode == 2
    assert re.fullmatch(r"hpsearch: .*[^.?][.?] See: hpsearch --help\n", done.stderr)
