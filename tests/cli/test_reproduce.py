"""The command `hpsearch reproduce`: its list, its refusals, its table and where it says the pictures are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hpsearch import Float, Space, Study
from hpsearch.cli import reproduce
from hpsearch.reproductions import catalogue
from hpsearch.reproductions.reproduction import Options, Reproduced, Reproduction, Row
from hpsearch.strategies import Random
from hpsearch.trial import Params


def square(params: Params) -> float:
    return float(params["x"] ** 2)


def tiny(options: Options) -> Reproduced:
    options.say("1 of 1: a parabola.")
    study = Study("tiny", Space(x=Float(-1, 1)), square, Random(options.trials or 3), options.seed)
    result = options.result(study)
    files = {"plots/tiny.png": b"\x89PNG"}
    result.tracker.attach(result.record, files)
    return Reproduced([Row("lowest value", "0", f"{result.best.value:.1f}", "as [published]")], ["It is low."], files, result)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put_store: Callable[[Path], Path]) -> Path:
    put_store(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(catalogue, "REPRODUCTIONS", (Reproduction("tiny", "A parabola is low.", "Nobody (1900)", tiny),))
    return tmp_path


def test_table_conclusions_pictures_and_link(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reproduce.reproduce("tiny", None, project / "out", trials=4, jobs=1)
    said = capsys.readouterr().out
    assert "A parabola is low. (Nobody (1900))" in said
    assert "1 of 1: a parabola." in said
    assert "1/4 done" in said
    row = next(line for line in said.splitlines() if "lowest value" in line)
    assert "as [published]" in row
    assert "It is low." in said
    assert "artifacts of tiny in MLflow: plots/tiny.png" in said
    assert "See it in MLflow: hpsearch ui\nThen open: http" in said
    assert (project / "out" / "plots" / "tiny.png").read_bytes() == b"\x89PNG"
    assert len(list((project / "mlruns" / "artifacts").rglob("tiny.png"))) == 1


def test_all_of_them_with_one_table_at_the_end(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(options: Options) -> Reproduced:
        return Reproduced([Row("height", "1", "2", "differs (+1)"), Row("width", "1", "1", "as published")], ["It is high."])

    absent = Reproduction("absent", "It is round.", "Nobody (1902)", other, needs="no_such_package")
    known = (*catalogue.REPRODUCTIONS, Reproduction("other", "It is flat.", "Nobody (1901)", other), absent)
    monkeypatch.setattr(catalogue, "REPRODUCTIONS", known)
    reproduce.reproduce("all", None, project / "out", trials=4, jobs=1)
    said = capsys.readouterr().out
    assert "It is low." in said
    assert "It is high." in said
    rows = [line.split() for line in said.splitlines() if line.split()[:1] in (["tiny"], ["other"])]
    assert rows == [["tiny", "1", "none"], ["other", "2", "height"]]
    assert "not run: the package no_such_package is not installed" in said, "the others are not held up by it"


def command(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "hpsearch.cli", "reproduce", *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_lists_what_there_is(tmp_path: Path) -> None:
    done = command(folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "grid-vs-random" in done.stdout
    assert "JMLR" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("grid-vs-randm",), "Did you mean 'grid-vs-random'?"),
        (
            ("grid-vs-random", "--trials", "2"),
            "--trials must be a whole number >= 3, got 2. Fewer than 3 seeds make no interval.",
        ),
        (("l1", "--trials", "2"), "--trials must be a whole number >= 3, got 2."),
        (("all", "--smoke", "--trials", "4"), "--trials must be left out beside --smoke, got 4."),
        (("l1", "--smoke", "--full"), "--full must be left out beside --smoke, got True."),
        (("grid-vs-random", "--full", "--trials", "4"), "--trials must be left out beside --full, got 4."),
        (("grid-vs-random", "--out", "file"), "--out must be a folder, got 'file'."),
    ],
)
def test_refuses_in_one_sentence(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    (tmp_path / "file").write_text("")
    done = command(*arguments, folder=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
