"""Whether a recorded study may be resumed: a changed objective, other versions of Python, and records of earlier rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch import Choice, Float, Space, Study, data
from hpsearch.errors import StudyError
from hpsearch.objectives import TrainNetwork
from hpsearch.report.report import report
from hpsearch.search.result import Result
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker, MlflowTracker
from hpsearch.trial import Params
from tests.command import run_command

SPACE = Space(x=Float(-1.0, 1.0))


def square(params: Params) -> float:
    return float(params["x"] ** 2)


def double(params: Params) -> float:
    return float(2 * params["x"])


def sometimes(params: Params) -> float:
    if params["x"] < 0:
        raise ValueError("planted")
    return float(params["x"])


def study(objective: Any, trials: int = 4, **changes: Any) -> Study:
    return Study("s", SPACE, objective, Random(trials=trials), **changes)


def run(of: Study, tracker: Any, **options: Any) -> Result:
    return of.run(backend="sequential", tracker=tracker, report=False, model=False, **options)


@pytest.fixture(params=["memory", "mlflow"])
def tracker(request: pytest.FixtureRequest, tmp_path: Path, put_store: Callable[[Path], Path]) -> Callable[[], Any]:
    """Return what gives the tracker of a process: a new one each time where the store lasts."""
    if request.param == "mlflow":
        put_store(tmp_path)
        return lambda: MlflowTracker(root=tmp_path)
    kept = MemoryTracker()
    return lambda: kept


def test_a_changed_objective_goes_on_where_that_is_accepted(tracker: Callable[[], Any]) -> None:
    first = run(study(square), tracker())
    with pytest.raises(StudyError, match=r"objective was square.*is now double.*--accept-change"):
        run(study(double, 6), tracker())
    result = run(study(double, 6), tracker(), accept_change=True)
    assert [trial.value for trial in result.trials[:4]] == [trial.value for trial in first.trials]
    assert [trial.value for trial in result.trials[4:]] == [2 * trial.params["x"] for trial in result.trials[4:]]
    (change,) = result.record.earlier
    assert (change.identity, list(change.trials)) == (first.record.identity, [0, 1, 2, 3])
    # From here on the new objective is the study's, and what was accepted stays recorded.
    again = run(study(double, 7), tracker())
    assert (again.taken_over, again.record.earlier_trials) == (6, {0, 1, 2, 3})
    assert study(double, 7).result(tracker()).record.earlier_trials == {0, 1, 2, 3}
    with pytest.raises(StudyError, match="objective was double"):
        run(study(square), tracker())


def test_each_change_that_is_accepted_is_recorded(tracker: Callable[[], Any]) -> None:
    run(study(square, 2), tracker())
    run(study(double, 3), tracker(), accept_change=True)
    result = run(study(square, 5), tracker(), accept_change=True)
    assert [list(change.trials) for change in result.record.earlier] == [[0, 1], [2]]
    assert [t.value for t in result.trials[3:]] == [t.params["x"] ** 2 for t in result.trials[3:]]


def test_failed_trials_of_an_earlier_objective_stay_as_they_are() -> None:
    """Run again, they would be trials of the new one under an old number."""
    kept = MemoryTracker()
    first = run(study(sometimes, 8), kept)
    failed = [trial.number for trial in first.trials if not trial.ok]
    assert failed
    result = run(study(square, 10), kept, accept_change=True, retry=True)
    assert [trial.number for trial in result.trials if not trial.ok] == failed


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (study(square), r"^--accept-change must be given for a study whose objective has changed"),
        (replace(study(double), space=Space(x=Float(-2.0, 1.0))), r"space was .*accepts a changed objective alone"),
        (replace(study(square), seed=3), r"seed was 0, is now 3\. --accept-change accepts a changed objective alone"),
        (replace(study(double), name="other"), r"^--accept-change must be given for a study whose objective has changed"),
    ],
    ids=["nothing", "the space too", "the seed", "nothing recorded"],
)
def test_nothing_else_can_be_accepted(changed: Study, sentence: str) -> None:
    kept = MemoryTracker()
    run(study(square), kept)
    with pytest.raises(StudyError, match=sentence) as raised:
        run(changed, kept, accept_change=True)
    assert "\n" not in str(raised.value)


def test_trials_of_an_earlier_objective_are_not_exported_or_tested() -> None:
    """The network and the test score would be those of another training."""
    network, space, kept = (
        TrainNetwork(data.digits(), hidden=(5,), epochs=1),
        Space(learning_rate=Float(0.1, 1.0)),
        MemoryTracker(),
    )
    first = Study("n", space, network, Random(trials=2))
    run(first, kept)
    result = run(replace(first, objective=replace(network, hidden=(4,))), kept, accept_change=True)
    for use in (result.network, result.test, result.log_model):
        with pytest.raises(StudyError, match=r"Trial \d of 'n' must be one that this objective ran"):
            use()


def _recorded_as(of: Study, identity: dict[str, str], facts: dict[str, str]) -> MemoryTracker:
    kept = MemoryTracker()
    run(of, kept)
    entry = kept.studies[of.name]
    entry.record = replace(entry.record, identity=identity, facts=facts)
    return kept


def test_bytecode_of_another_python_is_told_not_refused() -> None:
    namespace: dict[str, Any] = {}
    exec("def typed(params):\n    return params['x']", namespace)  # without a source
    of = study(namespace["typed"])
    now = of.identity
    assert "bytecode of Python 3." in now["objective"]
    was = {**now, "objective": "typed (content 0123456789abcdef, bytecode of Python 3.10)"}
    said: list[str] = []
    kept = _recorded_as(of, was, {**of.record().facts, "python": "3.10.1"})
    result = run(replace(of, strategy=Random(trials=5)), kept, progress=lambda progress: said.append(progress.found))
    assert result.taken_over == 4
    assert "Whether the objective changed is not known" in said[0]
    with pytest.raises(StudyError, match="objective was typed"):
        run(of, _recorded_as(of, {**now, "objective": now["objective"].replace("content ", "content f")}, {}))


def test_a_record_of_version_1_is_compared_by_its_rule() -> None:
    of = study(square)
    assert "(code " in of.identity_v1["objective"]
    kept = _recorded_as(of, of.identity_v1, {})
    result = run(replace(of, strategy=Random(trials=5)), kept)
    assert result.taken_over == 4
    assert (result.record.identity_v1["objective"], result.record.identity) == (
        of.identity_v1["objective"],
        replace(of, strategy=Random(trials=5)).identity,
    )
    # From now on the newer identity decides, and the older stays beside it.
    assert run(replace(of, strategy=Random(trials=6)), kept).record.identity_v1 == result.record.identity_v1
    with pytest.raises(StudyError, match="objective was square"):
        run(study(double), _recorded_as(of, of.identity_v1, {}))


def test_what_is_written_to_is_recorded_and_said() -> None:
    log: list[Params] = []

    def logging(params: Params) -> float:
        log.append(params)
        return float(params["x"])

    said: list[list[str]] = []
    result = run(study(logging), MemoryTracker(), progress=lambda progress: said.append(list(progress.notes)))
    assert result.record.facts["identity_leaves_out"] == "log"
    assert said[0] == ["Not part of the study's identity, since the study's own code writes to it: log."]
    assert len(log) == 4
    assert study(logging).identity == result.record.identity


class Scale:
    """An option of the user's own."""

    def __init__(self, by: float) -> None:
        self.by = by


def test_options_of_the_users_own_are_part_of_the_identity() -> None:
    def scaled(by: float) -> Study:
        return Study("s", Space(scale=Choice(Scale(by), None)), lambda params: 1.0, Random(trials=1))

    assert scaled(1.0).identity == scaled(1.0).identity
    assert scaled(1.0).identity["options"] != scaled(2.0).identity["options"]
    assert "options" not in study(square).identity


def test_page_report_list_and_show_say_which_trials_an_earlier_objective_ran(
    tmp_path: Path, put_store: Callable[[Path], Path]
) -> None:
    said = "Trials 0-3 were run by an earlier objective."
    root = put_store(tmp_path)
    run(study(square), MlflowTracker(root=root))
    last = MlflowTracker(root=root)
    result = run(study(double, 6), last, accept_change=True)
    assert said in _page(last)
    later = MlflowTracker(root=root)  # a command of its own, as `hpsearch report` is: it writes the page anew
    shown = study(double, 6).result(later)
    later.attach(shown.record, {"report.html": b"x"})
    assert said in _page(later)
    assert said in report(result)
    assert f"s: {said}" in run_command(root, "list").stdout
    assert said in run_command(root, "show", "s").stdout


def _page(tracker: MlflowTracker) -> str:
    run = tracker.store.client.get_run(tracker._open().run_id)
    return str(run.data.tags["mlflow.note.content"])
