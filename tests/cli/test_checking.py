"""`hpsearch check` and `hpsearch rate`: what they print, their exit codes, and that they record nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hpsearch import Float, Space, Study
from hpsearch.cli.application import app
from hpsearch.errors import StudyError
from hpsearch.nn import find_rate
from hpsearch.objectives.preflight import CHECKS
from hpsearch.strategies import Random
from hpsearch.study import CHECKS_PASSED
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import PREFLIGHT

STUDY = '''
"""Which rate?"""
from dataclasses import replace
import numpy as np
from sklearn.naive_bayes import GaussianNB
from hpsearch import Choice, Float, Space, Study, data
from hpsearch.objectives import CrossValidate, TrainNetwork, TuneEstimator
from hpsearch.strategies import Random, Staged

digits = data.digits().head(400)
shuffled = replace(digits.train, y=np.random.default_rng(0).permutation(digits.train.y))
rates = Float(0.01, 1.0, log=True)
few = Random(trials=2)
squared = Study("squared", Space(learning_rate=rates), TrainNetwork(digits, hidden=8, cost="quadratic"), few)
sound = Study("sound", Space(learning_rate=rates, l2=Float(0.1, 1.0)), TrainNetwork(digits, hidden=8), few, seed=3)
folds = Study("folds", Space(hidden=Choice(5, 8)), CrossValidate(TrainNetwork(digits, optimizer="l-bfgs")), Staged(trials=12))
wrong = replace(digits, train=shuffled)
bug = Study("bug", Space(learning_rate=rates), TrainNetwork(wrong), few, first=[{"learning_rate": 0.1}])
bayes = Study("bayes", Space(var_smoothing=rates), TuneEstimator(GaussianNB(), digits), few)
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "study.py").write_text(STUDY)
    return tmp_path / "study.py"


def hpsearch(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    """Return the exit code and what was printed, its lines joined."""
    with pytest.raises(SystemExit) as ended:
        app([str(word) for word in words])
    printed = capsys.readouterr()
    return int(ended.value.code or 0), " ".join((printed.out + printed.err).split())


def test_checks_of_a_sound_study_pass_whatever_its_strategy_is(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = hpsearch(capsys, "check", file, "--study", "sound", "--jobs", "1")
    assert code == 0
    assert said.endswith(CHECKS_PASSED)
    for check in CHECKS:
        assert f"{check.removeprefix(PREFLIGHT + ': ')} " in said
    assert list(file.parent.glob("mlruns*")) == []


def test_a_bug_ends_with_1_and_its_sentence(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = hpsearch(capsys, "check", file, "--study", "bug", "--jobs", "1")
    assert code == 1
    assert "The search ends before it begins:" in said
    assert CHECKS_PASSED not in said


def test_an_objective_without_checks_is_no_bug(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert hpsearch(capsys, "check", file, "--study", "bayes") == (0, "The objective of bayes has no pre-flight checks.")
    study = Study("s", Space(x=Float(0, 1)), lambda params: 0.0, Random(trials=2))
    with pytest.raises(StudyError, match=r"Study 's' has no pre-flight checks, because its objective, the function, has none"):
        study.checks()


def test_the_rate_is_that_of_find_rate_without_penalty(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`find_rate` on the same rows, with the seeds from the study's own on."""
    from hpsearch import data

    code, said = hpsearch(capsys, "rate", file, "--study", "sound", "--out", file.parent / "rate.png", "--epochs", "2")
    found = find_rate(data.digits().head(400).train, hidden=8, epochs=2, seed=3)
    assert code == 0
    assert f"falls up to a learning rate of {found.threshold:g} (order of magnitude {found.order:g})" in said
    assert f"learning_rate={found.rate:g} " in said
    low, high = (float(end) for end in re.findall(r"Float\((\S+), (\S+), log=True\)", said)[0])
    assert (low, high) == found.range
    assert (file.parent / "rate.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in file.parent.iterdir() if path.name != "__pycache__") == ["rate.png", "study.py"]


def test_saturated_units_are_said_to_fall_too_little(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All outputs at 0 cost 1/2 by the quadratic cost, for ever: less than the first cost, and no rise."""
    code, said = hpsearch(capsys, "rate", file, "--study", "squared", "--repeats", "1")
    assert code == 0
    assert "0.5 0.5 0.5 0.5 0.5 falls too little" in said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--study", "bayes"], "Study 'bayes' trains no network, but TuneEstimator: a learning rate is found for TrainNetwork"),
        (["--study", "folds"], "optimizer must be one with a learning rate, such as 'sgd', got 'l-bfgs'."),
        (["--study", "sound", "--out", "rate.txt"], "A plot's file must be one ending in .png"),
        (["--study", "sound", "--out", "no-folder/rate.png"], "--out must be a file in a folder that exists"),
        (["--study", "sound", "--epochs", "0"], "epochs must be a whole number >= 1, got 0."),
        (["--study", "sound", "--repeats", "0"], "repeats must be a whole number >= 1, got 0."),
        (["--study", "sound", "--rows", "0"], "rows"),
    ],
)
def test_what_has_no_rate_ends_with_2(file: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str) -> None:
    code, said = hpsearch(capsys, "rate", file, *words)
    assert code == 2
    assert sentence in said


def test_the_checks_are_a_study_of_their_own() -> None:
    from hpsearch import data
    from hpsearch.objectives import TrainNetwork

    objective = TrainNetwork(data.digits().head(400), hidden=8)
    study = Study("s", Space(learning_rate=Float(0.01, 1.0, log=True)), objective, Random(trials=2), confirm=1).checks()
    result = study.run(1, backend="sequential", tracker=MemoryTracker())
    assert study.name == "s-checks"
    assert all(trial.is_preflight for trial in result.trials)
