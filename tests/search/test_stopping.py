"""Stop rules cut the same sequence of trials at any number of workers; time limits mark what they end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from hpsearch import Context, Float, Space, Study
from hpsearch.errors import StudyError
from hpsearch.execution.local import Local
from hpsearch.ports import Recorded
from hpsearch.search.loop import Loop, RunSettings
from hpsearch.search.replay import Replay
from hpsearch.search.stopping import MedianStop, Stop
from hpsearch.strategies import Bayesian, Random
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Outcome, Params, Status, Trial

SPACE = Space(x=Float(0.0, 1.0))


def uneven(params: Params) -> float:
    time.sleep(0.02 * params["x"])
    return float(params["x"])


def study(**changes: Any) -> Study:
    return replace(Study("stop", SPACE, uneven, Random(trials=40), seed=2), **changes)


def run(s: Study, tracker: MemoryTracker | None = None, **options: Any) -> Any:
    return s.run(tracker=tracker or MemoryTracker(), **{"backend": "sequential", **options})


@pytest.mark.parametrize("stop", [Stop(trials=7), Stop(value=0.05), Stop(without_better=6), Stop(trials=30, value=0.2)])
def test_rules_cut_at_the_same_trial_for_any_workers(stop: Stop) -> None:
    alone = run(study(stop=stop)).trials
    assert 0 < len(alone) < 40
    assert table(run(study(stop=stop), jobs=4, backend="threading").trials) == table(alone)
    assert table(run(study()).trials[: len(alone)]) == table(alone)


def test_a_cut_study_that_is_run_again_runs_nothing() -> None:
    tracker = MemoryTracker()
    first = run(study(stop=Stop(value=0.05)), tracker, jobs=3, backend="threading")
    again = run(study(stop=Stop(value=0.05)), tracker)
    assert again.taken_over == len(first.trials)
    assert table(again.trials) == table(first.trials)


def test_an_interrupted_one_is_cut_where_it_would_have_been() -> None:
    s, tracker = study(stop=Stop(without_better=6)), MemoryTracker()
    whole = run(s).trials
    tracker.start(s.tracked())
    for trial in whole[:3]:
        tracker.record(trial)
    assert table(run(s, tracker).trials) == table(whole)


@pytest.mark.parametrize(("jobs", "backend"), [(1, "sequential"), (2, "loky")])
def test_the_clock_cuts_the_same_sequence(jobs: int, backend: str) -> None:
    def slow(params: Params) -> float:
        time.sleep(0.2)
        return float(params["x"])

    # Workers start in a second, or in many on a busy machine, where a short limit rightly ends the study before its first
    # trial: the limit doubles until one is done.
    s, seconds, trials = study(objective=slow, strategy=Random(trials=5000)), 1.5, []
    while not trials and seconds < 100:
        seconds *= 2
        trials = run(replace(s, stop=Stop(seconds=seconds)), jobs=jobs, backend=backend).trials
    assert 0 < len(trials) <= jobs * (seconds / 0.2 + 1)
    quick = study(objective=lambda params: float(params["x"]), strategy=Random(trials=len(trials)))
    assert table(trials) == table(run(quick).trials)


def test_a_finished_study_cut_by_the_clock_stays_as_it_is() -> None:
    tracker = MemoryTracker()
    s = study(stop=Stop(seconds=0.3), strategy=Random(trials=500))
    first = run(s, tracker)
    assert table(run(s, tracker).trials) == table(first.trials)


@pytest.mark.parametrize(("jobs", "backend"), [(1, "sequential"), (2, "loky")])
def test_a_trial_beyond_its_time_ends_as_timed_out(jobs: int, backend: str) -> None:
    def hangs(params: Params, context: Context) -> float:
        context.report(1, cost=3.0)
        if params["x"] < 0.5:
            while context.seconds_left > -50:
                time.sleep(0.01)
        return 0.0

    trials = run(study(objective=hangs, strategy=Random(trials=6), trial_seconds=0.5), jobs=jobs, backend=backend).trials
    assert {t.status for t in trials if t.params["x"] < 0.5} == {Status.TIMED_OUT}
    assert {t.status for t in trials if t.params["x"] >= 0.5} == {Status.FINISHED}
    assert all("longer than 0.5 s" in t.error for t in trials if not t.ok)


def test_a_thread_cannot_be_interrupted_but_is_marked() -> None:
    trials = run(study(strategy=Random(trials=3), objective=_naps, trial_seconds=0.1), jobs=2, backend="threading").trials
    assert {t.status for t in trials} == {Status.TIMED_OUT}


def test_the_earlier_of_two_limits_rings() -> None:
    def second_hangs(params: Params, context: Context) -> float:
        time.sleep(60.0 * context.number)
        return 0.0

    s = study(objective=second_hangs, strategy=Random(trials=50), stop=Stop(seconds=2.0), trial_seconds=30)
    assert [t.status for t in run(s).trials] == [Status.FINISHED]


def _naps(params: Params) -> float:
    time.sleep(0.3)
    return 0.0


def test_a_search_without_a_better_trial_counts_failures_too() -> None:
    values = [3.0, 2.0, 2.5, None, 2.0]
    trials = [
        Trial(n, {}, "all", Status.FAILED if v is None else Status.FINISHED, None if v is None else Outcome(v))
        for n, v in enumerate(values)
    ]
    assert Stop(without_better=3).length(trials) == 5
    assert Stop(without_better=3).length(trials[:4]) is None
    assert Stop(value=-2.0).length(trials, sign=-1) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "Stop trials must be a whole number >= 1, got 0"),
        ({"without_better": 1.5}, "Stop without_better must be a whole number >= 1, got 1.5"),
        ({"seconds": -1}, r"Stop seconds must be a number in \(0, inf\), got -1"),
        ({"identical_failures": 1}, "Stop identical_failures must be a whole number >= 2, got 1. Try 5, or None"),
        ({"identical_failures": "no"}, "Stop identical_failures must be a whole number >= 2, got 'no'"),
        ({"value": "low"}, "Stop value must be a finite number, got 'low'"),
    ],
)
def test_bad_rules_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        Stop(**options)


def ended(number: int, value: float, status: Status = Status.FINISHED, stage: str = "all") -> Trial:
    return Trial(number, {}, stage, status, Outcome(value))


def test_a_rule_holds_at_the_trial_that_fulfils_it() -> None:
    """By hand: the third of five trials reaches 1.0; pre-flight checks, failures and infinities do not count."""
    trials = [ended(0, 3.0), ended(1, 2.0), ended(2, 1.0), ended(3, 0.5), ended(4, 0.7)]
    assert [Stop(trials=n).length(trials) for n in (1, 5, 6)] == [1, 5, None]
    assert [Stop(value=v).length(trials) for v in (5.0, 1.0, 0.99, 0.5, 0.4)] == [1, 3, 4, 4, None]
    assert Stop(value=-2.0).length([ended(n, v) for n, v in enumerate((-1.0, -2.0, -3.0))]) == 2
    assert Stop(value=2.0).length([ended(n, v) for n, v in enumerate((-1.0, -2.0, -3.0))], sign=-1) == 2
    assert Stop(trials=5, value=0.5, without_better=1).length(trials) == 4
    assert Stop(trials=5, without_better=1).length(trials) == 5
    ignored = [ended(0, -9.0, stage="pre-flight"), ended(1, -9.0, Status.FAILED), ended(2, float("-inf")), ended(3, 1.0)]
    assert Stop(value=0.0).length(ignored) is None
    assert Stop(seconds=1.0).length(trials) is None


def test_trials_that_only_equal_the_best_are_no_better() -> None:
    values = [2.0, 2.0, 1.0, 1.0, 1.5]
    trials = [ended(n, v) for n, v in enumerate(values)]
    assert [Stop(without_better=n).length(trials) for n in (1, 2, 3)] == [2, 5, None]
    checks = [ended(n, 5.0, stage="pre-flight") for n in range(4)]
    assert Stop(without_better=1).length([*checks, ended(4, 2.0)]) is None


def test_the_least_settings_of_a_rule_are_allowed() -> None:
    assert Stop(trials=1, without_better=1, seconds=0.1, value=-1.0).trials == 1


@pytest.mark.parametrize(("status", "recorded", "kept"), [("finished", 5, 5), ("killed", 5, 12), ("finished", 4, 12)])
def test_a_finished_study_was_cut_where_its_record_ends_and_a_gap_is_run_again(status: str, recorded: int, kept: int) -> None:
    """The clock cut a finished study at its end; a number that is missing before that was lost."""
    whole = run(study(stop=Stop(trials=12))).trials
    tracker, s = MemoryTracker(), study(stop=Stop(trials=12))
    tracker.start(s.tracked())
    for trial in whole[:5] if recorded == 5 else [*whole[:4], whole[5]]:
        tracker.record(trial)
    tracker.finish(status, whole)
    assert len(run(s, tracker).trials) == kept


class Counted(dict[int, Trial]):
    """The trials of a loop, which count how many of them are read."""

    reads = 0

    def __getitem__(self, number: int) -> Trial:
        self.reads += 1
        return super().__getitem__(number)

    def __iter__(self) -> Iterator[int]:
        self.reads += len(self)
        return super().__iter__()

    def values(self) -> Any:
        self.reads += len(self)
        return super().values()

    def items(self) -> Any:
        self.reads += len(self)
        return super().items()


def reads(s: Study, recorded: Recorded) -> int:
    """Return how many trials one run of a study reads out of its own table, in all."""
    tracked, trials = s.tracked(), Counted()
    replay = Replay(tracked.record, recorded)
    loop = Loop(RunSettings(s, Local(1, "sequential"), MemoryTracker(), tracked, replay), trials=trials)
    assert len(loop.run()) == s.proposer.trials
    return trials.reads


def reports(params: Params, context: Context) -> float:
    context.report(2, cost=params["x"])
    return float(params["x"])


@pytest.mark.parametrize(
    "changes",
    [
        {"stop": Stop(trials=1000)},
        {"stop": Stop(seconds=1000.0)},
        {"stop": Stop(value=-1.0, without_better=1000)},
        {"stop": Stop(value=-1.0), "early_stop": MedianStop("cost", trials=1000)},
        {"early_stop": MedianStop("cost", trials=1000)},
        {},
    ],
)
@pytest.mark.parametrize("again", [False, True])
def test_no_rule_reads_all_trials_for_every_trial(changes: dict[str, Any], again: bool) -> None:
    """Twice the trials take twice the reads, in a first run and in a resume: a rule that reads all of them takes four times."""
    found = []
    for count in (60, 120):
        s = study(objective=reports, strategy=Random(trials=count), **changes)
        recorded = Recorded(run(s).trials, s.identity) if again else Recorded()
        found.append(reads(s, recorded))
    assert found[0] > 0
    assert found[1] <= 2 * found[0]


def test_no_rule_reads_all_trials_for_every_batch() -> None:
    rule = MedianStop("cost", trials=1000)
    small, large = (
        reads(study(objective=reports, strategy=Bayesian(trials=n, batch_size=1, startup=2), early_stop=rule), Recorded())
        for n in (12, 24)
    )
    assert large <= 2 * small


class Fails:
    """An objective without its file; it fails for every point but the ``working`` ones, in the same words."""

    def __init__(self, *working: float, error: str = "no data.csv") -> None:
        self.working, self.error = working, error

    def __call__(self, params: Params) -> float:
        if params["x"] in self.working:
            return float(params["x"])
        raise FileNotFoundError(self.error.format(x=params["x"], address=object()))


POINTS = [trial.params["x"] for trial in run(study()).trials]
ENDED = "The first 5 trials failed in the same way (FileNotFoundError: no data.csv), so the study ended and 35 more trials did"


@pytest.mark.parametrize(
    ("stop", "jobs", "backend"),
    [
        (None, 1, "sequential"),
        (Stop(without_better=30), 1, "sequential"),
        (Stop(value=-1.0), 4, "threading"),
        (None, 2, "loky"),
    ],
)
def test_a_study_ends_when_its_first_trials_fail_alike(stop: Stop | None, jobs: int, backend: str) -> None:
    result = run(study(objective=Fails(), stop=stop), jobs=jobs, backend=backend)
    assert [trial.number for trial in result.trials] == [0, 1, 2, 3, 4]
    assert result.notes[-1].startswith(ENDED)


def test_addresses_do_not_tell_failures_apart_and_values_do() -> None:
    assert len(run(study(objective=Fails(error="no {address}"))).trials) == 5
    assert len(run(study(objective=Fails(error="no {x}"))).trials) == 40


@pytest.mark.parametrize("working", [0, 3, 4])
@pytest.mark.parametrize("jobs", [1, 4])
def test_one_of_the_first_that_ends_in_another_way_lets_all_trials_run(working: int, jobs: int) -> None:
    s = study(objective=Fails(POINTS[working]))
    trials = run(s, jobs=jobs, backend="threading").trials
    assert [trial.number for trial in trials if trial.ok] == [working]
    assert len(trials) == 40


def test_a_trial_that_works_too_late_is_not_run() -> None:
    assert len(run(study(objective=Fails(POINTS[5])), jobs=4, backend="threading").trials) == 5


def test_the_rule_can_be_moved_and_switched_off() -> None:
    assert len(run(study(objective=Fails(), stop=Stop(identical_failures=2))).trials) == 2
    assert len(run(study(objective=Fails(), stop=Stop(identical_failures=None))).trials) == 40
    assert len(run(study(objective=Fails(), strategy=Random(trials=3))).trials) == 3


def test_a_study_that_failed_alike_says_so_again_and_has_ways_on() -> None:
    tracker, s = MemoryTracker(), study(objective=Fails())
    run(s, tracker)
    assert tracker.studies["stop"].status == "failed"
    again = run(s, tracker)
    assert again.taken_over == len(again.trials) == 5
    assert again.notes[-1].startswith(ENDED)
    retried = run(s, tracker, retry=True)
    assert retried.taken_over == 0
    assert retried.notes[-1].startswith(ENDED)
    whole = run(replace(s, stop=Stop(identical_failures=None)), tracker)
    assert (whole.taken_over, len(whole.trials)) == (5, 40)
    # A record of an earlier version holds all trials; so does that of a study that ran without the rule.
    assert run(s, tracker).taken_over == 40


def test_checks_before_the_search_and_other_endings_do_not_count() -> None:
    def failed(number: int, status: Status = Status.FAILED, stage: str = "all") -> Trial:
        return Trial(number, {}, stage, status, error="ValueError: no")

    checks = [failed(n, stage="pre-flight: data") for n in range(6)]
    assert Stop().length(checks) is None
    assert Stop().length([*checks, *(failed(n) for n in range(6, 20))]) == 11
    for status in (Status.DIVERGED, Status.TIMED_OUT, Status.STOPPED, Status.DIED, Status.OUT_OF_MEMORY):
        assert Stop().length([failed(n, status) for n in range(9)]) is None


def test_the_default_rule_stays_out_of_the_repr() -> None:
    assert repr(Stop()) == "Stop(trials=None, seconds=None, value=None, without_better=None)"
    assert repr(Stop(identical_failures=None)).endswith("without_better=None, identical_failures=None)")
