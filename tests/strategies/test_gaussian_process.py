"""Search with a Gaussian process: better than random, at home on every kind of space, the same again on replay."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from hpsearch import Choice, Float, Int, Space, Status, Stop, Study, Trial
from hpsearch.errors import SettingError
from hpsearch.ports import Strategy
from hpsearch.space import Params
from hpsearch.strategies import GaussianProcess, Random
from hpsearch.testing import drive, table
from hpsearch.tracking import MemoryTracker
from tests.strategies.scores import ended_by

CUBE = Space(x=Float(0.0, 1.0), y=Float(1e-3, 1e3, log=True), z=Float(0.0, 1.0))
Score = Callable[[Params], float | None]


def run(strategy: Strategy, space: Space, score: Score, known: Sequence[Trial] = (), seed: int = 0) -> list[Trial]:
    """Drive a strategy; a score of None is a failed trial."""
    return drive(strategy, space, seed, end=ended_by(lambda number, proposal: score(proposal.params)), known=known)[1]


def bowl(params: Params) -> float:
    """The least value, 0, lies off the centre."""
    return (params["x"] - 0.7) ** 2 + (math.log10(params["y"]) / 6 + 0.25) ** 2 + (params["z"] - 0.1) ** 2


def least(trials: Sequence[Trial]) -> float:
    return min(trial.value for trial in trials if trial.ok)


def test_beats_random_on_a_bowl() -> None:
    """24 trials, ten seeds: by luck alone one of two wins all ten with probability .001."""
    pairs = [[least(run(s(24), CUBE, bowl, seed=seed)) for s in (GaussianProcess, Random)] for seed in range(10)]
    wins = sum(ours < theirs for ours, theirs in pairs)
    assert binomtest(wins, 10, alternative="greater").pvalue < 0.01
    assert np.median([ours for ours, _ in pairs]) < 1e-3


def test_begins_near_the_centre_and_then_fills_the_space() -> None:
    first = [CUBE.to_unit(trial.params) for trial in run(GaussianProcess(3), CUBE, bowl)]
    assert first[0] == pytest.approx([0.5] * 3, abs=0.026)
    assert first[0] != [0.5] * 3
    without = [CUBE.to_unit(trial.params) for trial in run(GaussianProcess(4, startup=4, centre=False), CUBE, bowl)]
    # Four points of a Sobol sequence lie in the four quarters of every range.
    assert np.sort(np.floor(4 * np.array(without)), axis=0).tolist() == [[q] * 3 for q in range(4)]


@pytest.mark.parametrize("batch_size", [1, 4, 5])
def test_more_trials_begin_with_the_same_ones(batch_size: int) -> None:
    few, many = (run(GaussianProcess(trials, batch_size=batch_size), CUBE, bowl) for trials in (13, 21))
    assert table(many[:13]) == table(few)


def test_known_trials_count_as_starts() -> None:
    known = run(Random(8), CUBE, bowl, seed=1)
    trials = run(GaussianProcess(6), CUBE, bowl, known)
    assert least(trials) < least(known)
    assert all(trial.params not in [one.params for one in known] for trial in trials)


@pytest.mark.parametrize("failing", [lambda params: None, lambda params: math.inf, lambda params: math.nan])
def test_known_trials_that_all_failed_do_not_stop_it(failing: Score) -> None:
    known = run(Random(5), CUBE, failing)
    assert least(run(GaussianProcess(12), CUBE, bowl, known)) < 0.2


def test_keeps_away_from_failures() -> None:
    """Half of the space fails; the best value lies right beside it."""
    trials = run(GaussianProcess(30), CUBE, lambda p: None if p["x"] < 0.5 else bowl(p))
    failed = [trial.status is Status.FAILED for trial in trials]
    assert sum(failed[10:]) < 7
    assert least(trials) < 0.01


HARD: dict[str, Score] = {
    "constant": lambda params: 1.0,
    "all failed": lambda params: None,
    "half infinite": lambda params: math.inf if len(repr(params)) % 2 else 1.0,
    "huge": lambda params: 1e308 * (-1) ** len(repr(params)),
    "tiny": lambda params: 1e-308 * len(repr(params)),
    "one terrible": lambda params: 1e300 if len(repr(params)) % 7 == 0 else float(len(repr(params))),
}
SPACES = {
    "one parameter": Space(x=Float(0, 1)),
    "one point": Space(k=Int(3, 3)),
    "choices alone": Space(a=Choice(1, 2), b=Choice("p", "q", "r")),
    "fifty": Space(**{f"x{i}": Float(0, 1) for i in range(50)}),
    "wide": Space(x=Float(-1e308, 1e308), n=Int(-(2**62), 2**62), m=Int(1, 2**40, log=True)),
}


@pytest.mark.parametrize("score", HARD.values(), ids=HARD)
@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_any_values_on_any_space(space: Space, score: Score) -> None:
    with np.errstate(all="raise", under="ignore"):
        trials = run(GaussianProcess(12, batch_size=2), space, score)
    assert len(trials) == 12
    for trial in trials:
        space.check(trial.params)


def test_finds_the_best_of_few_options_without_repeating_one() -> None:
    space = Space(a=Choice(*range(6)), b=Choice("p", "q", "r"))
    trials = run(GaussianProcess(18), space, lambda p: abs(p["a"] - 4) + (p["b"] != "q"))
    assert len({repr(trial.params) for trial in trials}) == 18


def test_learns_from_stopped_trials_what_is_expected_of_them() -> None:
    trials = sorted(run(Random(12), CUBE, bowl, seed=3), key=lambda trial: trial.value)
    stopped = [replace(trial, status=Status.STOPPED) for trial in trials[:6]] + trials[6:]
    nothing = [replace(trial, status=Status.STOPPED, outcome=None) for trial in trials[:6]] + trials[6:]
    expected, lost = (least(run(GaussianProcess(4), CUBE, bowl, known)) for known in (stopped, nothing))
    assert expected < min(lost, trials[0].value)


@pytest.mark.campaign
def test_very_many_trials_go_on_as_fewer_did() -> None:
    """1,000 trials extended to 1,100."""
    few, many = (run(GaussianProcess(trials), CUBE, bowl) for trials in (1000, 1100))
    assert table(many[:1000]) == table(few)


def test_the_same_bits_at_any_number_of_blas_threads() -> None:
    """120 trials, so that matrices are large enough to be cut among threads."""
    code = """
        import hashlib
        from hpsearch import Float, Space, Study
        from hpsearch.strategies import GaussianProcess
        from hpsearch.tracking import MemoryTracker

        space = Space(**{f"x{i}": Float(0, 1) for i in range(5)})
        study = Study("bits", space, lambda p: sum((v - 0.3) ** 2 for v in p.values()), GaussianProcess(120, batch_size=20))
        trials = study.run(1, backend="sequential", tracker=MemoryTracker()).trials
        print(hashlib.sha256(repr([t.params for t in trials]).encode()).hexdigest())
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    environments = [os.environ | {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads} for threads in ("1", "4")]
    running = [subprocess.Popen(command, env=one, stdout=subprocess.PIPE, text=True) for one in environments]
    assert len({process.communicate()[0] for process in running}) == 1
    assert [process.returncode for process in running] == [0, 0]


def test_an_extended_study_goes_on_with_the_same_trials() -> None:
    """A kill between two batches leaves the same record."""
    study = Study("contract", CUBE, bowl, GaussianProcess(14, batch_size=3), seed=2)
    whole = study.run(1, backend="sequential", tracker=MemoryTracker()).trials
    tracker = MemoryTracker()
    replace(study, stop=Stop(trials=8)).run(1, backend="sequential", tracker=tracker)
    assert table(study.run(1, backend="sequential", tracker=tracker).trials) == table(whole)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trials": 0}, "GaussianProcess trials must be a whole number >= 1, got 0. Try 64."),
        ({"trials": 2.5}, "GaussianProcess trials must be a whole number >= 1, got 2.5. Try 64."),
        ({"batch_size": 0}, "GaussianProcess batch_size must be a whole number >= 1, got 0. Try 1."),
        ({"startup": True}, "GaussianProcess startup must be a whole number >= 1, got True. Try 3."),
        ({"centre": "yes"}, "GaussianProcess centre must be True or False, got 'yes'. Leave it out for True."),
    ],
)
def test_bad_input(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError) as error:
        GaussianProcess(**arguments)
    assert str(error.value) == message
