"""Studies from files: one that cannot be made does not keep the others of its file from running."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hpsearch.cli.loading import load_study
from hpsearch.errors import HpsearchError, SpaceError, StudyError
from hpsearch.tracking import MemoryTracker

HEAD = '''"""Which x is lowest?"""
from __future__ import annotations
from hpsearch import Float, Space, Study
from hpsearch.objectives import TrainSVM
from hpsearch.strategies import Halving, Hyperband, Random
from hpsearch import data

SPACE = Space(x=Float(0.0, 1.0))

def lowest(params: dict) -> float:
    return params["x"]

good = Study("good", SPACE, lowest, Random(trials=2))
'''
LAST = 'last = Study("last", SPACE, lowest, Random(trials=3))\n'
BAD = {
    "strategy": ('bad = Study("bad", SPACE, lowest, Halving(trials=2))\n', "Halving trials must be"),
    "one trial": ('bad = Study("bad", SPACE, lowest, Hyperband(max_epochs=2))\n', "Hyperband max_epochs must be"),
    "resource": ('bad = Study("bad", Space(C=Float(1, 2)), TrainSVM(data.digits()), Halving())\n', "The resource of Halving"),
    "parameter": ('bad = Study("bad", Space(Q=Float(1, 2)), TrainSVM(data.digits()), Random())\n', "Unknown parameter 'Q'"),
    "seed": ('bad: Study = Study("bad", SPACE, lowest, Random(), seed=-1)\n', "A study's seed must be"),
}
NAMED = 'short = Halving(trials=2)\nbad = Study("bad", SPACE, lowest, short)\n'


def written(folder: Path, text: str) -> Path:
    file = folder / "several.py"
    file.write_text(text)
    return file


@pytest.mark.parametrize("kind", BAD)
def test_a_study_that_cannot_be_made_blocks_no_other_of_its_file(tmp_path: Path, kind: str) -> None:
    bad, message = BAD[kind]
    file = written(tmp_path, HEAD + bad + LAST)
    for name, trials in (("good", 2), ("last", 3)):
        study = load_study(file, name)
        result = study.run(tracker=MemoryTracker(), backend="sequential")
        assert len(result.trials) == trials
        assert study.question == "Which x is lowest?"
    for asked in ("bad", None, "other"):
        with pytest.raises(HpsearchError, match=rf"several.py, line {HEAD.count(chr(10)) + 1}: {re.escape(message)}"):
            load_study(file, asked)


def test_the_identity_is_that_of_the_file_without_the_fault(tmp_path: Path) -> None:
    whole = load_study(written(tmp_path, HEAD + LAST), "last").identity
    assert load_study(written(tmp_path, HEAD + BAD["strategy"][0] + LAST), "last").identity == whole


def test_what_needs_what_cannot_be_made_is_left_out_too(tmp_path: Path) -> None:
    file = written(tmp_path, HEAD + NAMED + LAST)
    assert load_study(file, "last").name == "last"
    with pytest.raises(HpsearchError, match="Halving trials must be"):
        load_study(file, "bad")


def test_of_two_faults_that_of_the_study_asked_for_is_told(tmp_path: Path) -> None:
    worse = 'worse = Study("worse", Space(x=Float(2.0, 1.0)), lowest, Random())\n'
    file = written(tmp_path, HEAD + BAD["seed"][0] + worse + LAST)
    with pytest.raises(SpaceError, match=f"line {HEAD.count(chr(10)) + 2}: "):
        load_study(file, "worse")
    assert load_study(file, "last").name == "last"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import no_such_module\n" + LAST, "ModuleNotFoundError"),
        ("for n in (2, 3):\n    bad = Study(f'bad-{n}', SPACE, lowest, Halving(trials=n))\n" + LAST, "Halving trials must be"),
        ("x = nothing\n" + LAST, "NameError"),
        ("Halving(trials=2)\n" + LAST, "Halving trials must be"),
        ("def\n", "SyntaxError"),
    ],
)
def test_any_other_fault_of_a_file_is_told_for_every_study(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(HpsearchError, match=message):
        load_study(written(tmp_path, HEAD + text), "last")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="does not exist"):
        load_study(tmp_path / "none.py", "last")
