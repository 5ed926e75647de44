"""``--trials`` and ``--seed`` change one run, under a name of its own; ``--version``."""

from __future__ import annotations

import signal

import pytest

import hpsearch
from hpsearch import Float, Space, Study
from hpsearch.cli.application import app
from hpsearch.cli.commands import vary_study
from hpsearch.errors import SettingError, StudyError
from hpsearch.strategies import Grid, Random


def study(strategy: object) -> Study:
    return Study("s", Space(x=Float(0, 1)), lambda params: 0.0, strategy, seed=1)  # type: ignore[arg-type]


def test_a_changed_study_has_a_name_of_its_own() -> None:
    varied = vary_study(study(Random(trials=8)), 3, 7)
    assert (varied.name, varied.strategy, varied.seed) == ("s-trials-3-seed-7", Random(trials=3), 7)
    same = study(Random(trials=8))
    assert vary_study(same, None, None) is same


def test_a_strategy_without_a_number_of_trials_is_refused() -> None:
    with pytest.raises(StudyError, match=r"--trials must be used with a strategy that has trials=, got Grid\(.*\)\. Leave"):
        vary_study(study(Grid({"x": 3})), 5, None)
    with pytest.raises((SettingError, StudyError), match="Random trials must be a whole number >= 1, got 0"):
        vary_study(study(Random(trials=8)), 0, None)


def test_a_program_that_calls_it_keeps_its_signals() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    for words in (["--version"], ["no-such-command"], ["show", "no-such-study", "--tracking-uri", "http://"]):
        with pytest.raises(SystemExit):
            app(words)
        assert [signal.getsignal(number) for number in numbers] == before


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"hpsearch {hpsearch.__version__}\n"


def test_public_names_are_listed_and_others_are_found() -> None:
    assert dir(hpsearch) == sorted([*hpsearch.__all__, "__version__"])
    assert hpsearch.Random is Random
    with pytest.raises(AttributeError, match="module 'hpsearch' has no attribute 'Nothing'"):
        hpsearch.Nothing  # noqa: B018
