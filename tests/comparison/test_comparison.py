"""Comparisons from end to end: real searches, real workers, a real store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC

from hpsearch import Float, Int, Space, Stop, Study, compare, data
from hpsearch.cli.loading import load_study
from hpsearch.comparison.comparison import PAGE, PICTURE, comparison_study
from hpsearch.comparison.objective import find_mismatch, pack, unpack
from hpsearch.errors import StudyError
from hpsearch.objectives import CrossValidate, TrainNetwork, TrainSVM, TuneEstimator
from hpsearch.ports import Context, ObjectiveBase
from hpsearch.strategies import Grid, QuasiRandom, Random
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker, MlflowTracker
from hpsearch.trial import Params
from tests.command import run_command


def bowl(params: dict[str, float]) -> float:
    return (params["x"] - 0.3) ** 2 + 0.01 * (params["y"] - 0.6) ** 2


def far(params: dict[str, float]) -> float:
    return bowl(params) + 1


SPACE = Space(x=Float(0.0, 1.0), y=Float(0.0, 1.0))
STUDY = Study("chance", SPACE, bowl, Random(trials=9))


def test_strategies_of_one_study_share_their_seeds_and_are_named_after_themselves() -> None:
    found = compare(STUDY, Grid(points=3), repetitions=4, budget=9, jobs=1, tracker=MemoryTracker())
    assert found.arms == ["random", "grid"]
    alone = [replace(STUDY, seed=s).run(backend="sequential", tracker=MemoryTracker()) for s in _seeds(found)]
    firsts = [[trial.value for trial in trials] for trials in found.contest.searches["random"]]
    assert firsts == [[trial.value for trial in result.trials] for result in alone]
    assert len({tuple(t.value for t in trials) for trials in found.contest.searches["grid"]}) == 1


def _seeds(found: object) -> list[int]:
    """Return the seeds of the repetitions, drawn as the documented law of replicates says: from spawn key (1, r)."""
    import numpy as np

    return [int(np.random.default_rng(np.random.SeedSequence(0, spawn_key=(1, r))).integers(2**31)) for r in range(4)]


def test_a_comparison_is_the_same_at_any_number_of_jobs_and_after_a_cut(
    tmp_path: Path, put_store: Callable[[Path], Path]
) -> None:
    put_store(tmp_path)
    whole = compare(STUDY, QuasiRandom(trials=9), repetitions=3, jobs=1, tracker=MemoryTracker())
    study = comparison_study((STUDY, QuasiRandom(trials=9)), 3, None, "trials")
    tracker = MlflowTracker(root=tmp_path)
    replace(study, stop=Stop(trials=2)).run(2, tracker=tracker, report=False)
    rest = compare(STUDY, QuasiRandom(trials=9), repetitions=3, jobs=2, tracker=MlflowTracker(root=tmp_path))
    assert rest.result.taken_over == 2
    assert table(rest.result.trials) == table(whole.result.trials)
    assert rest.conclusions == whole.conclusions


def test_picture_and_page_are_attached_and_ask_no_network(tmp_path: Path) -> None:
    tracker = MemoryTracker()
    found = compare(STUDY, Random(trials=9), QuasiRandom(trials=9), repetitions=3, jobs=1, tracker=tracker)
    files = found.files()
    assert files[PICTURE].startswith(b"\x89PNG")
    text = files[PAGE].decode()
    assert "<script src" not in text
    assert all(sentence.split(":")[0] in text for sentence in found.conclusions)


def test_its_page_leads_to_the_recorded_studies_of_its_arms(tmp_path: Path, put_store: Callable[[Path], Path]) -> None:
    """Of the three arms one is recorded as it is, one otherwise, one not at all; the address is the one that the study told."""
    put_store(tmp_path)
    changed, even = replace(STUDY, name="changed", seed=4), replace(STUDY, name="even", strategy=QuasiRandom(trials=9))
    trackers = [MlflowTracker(root=tmp_path) for _ in range(4)]
    STUDY.run(tracker=trackers[0], backend="sequential", report=False)
    replace(changed, seed=5).run(tracker=trackers[1], backend="sequential", report=False)
    compare(STUDY, changed, even, repetitions=3, jobs=1, tracker=trackers[2])
    text = "Studies compared: [chance]({})."
    assert notes(trackers[2]) == [text.format(trackers[0].link().partition("5000/")[2])] * 2
    compare(STUDY, QuasiRandom(trials=9), repetitions=3, jobs=1, tracker=trackers[3])
    assert notes(trackers[3]) == [text.format(trackers[0].link().partition("5000/")[2]).replace("chance", "random")] * 2
    assert notes(trackers[0]) == []


def notes(tracker: MlflowTracker) -> list[str]:
    """Return what the pages of the study's run and of its experiment say of other studies."""
    run = tracker.store.client.get_run(tracker._open().run_id)
    pages = [run.data.tags, tracker.store.client.get_experiment(run.info.experiment_id).tags]
    return [line for page in pages for line in page["mlflow.note.content"].splitlines() if "Studies compared" in line]


def test_a_search_survives_its_text_form() -> None:
    result = Study("net", Space(learning_rate=Float(0.1, 1.0)), TrainNetwork(data.digits(), epochs=2), Random(trials=2)).run(
        backend="sequential", tracker=MemoryTracker()
    )
    back = unpack(pack(result.trials))
    assert [t.value for t in back] == [t.value for t in result.trials]
    assert [t.outcome.history["last"][-1][0] for t in back if t.outcome] == [2, 2]


def test_epochs_are_counted_from_the_curves() -> None:
    study = Study("net", Space(learning_rate=Float(0.1, 1.0)), TrainNetwork(data.digits(), epochs=2), Random(trials=2))
    found = compare(study, QuasiRandom(trials=2), repetitions=3, unit="epochs", jobs=1, tracker=MemoryTracker())
    assert found.contest.budgets[-1] == 4


NETWORK = Study("net", Space(learning_rate=Float(0.1, 1.0)), TrainNetwork(data.digits()), Random(trials=9))
SVM = Study("svm", Space(C=Float(0.1, 1.0)), TrainSVM(data.digits()), Random(trials=9))


def cross_validated(folds: int) -> Study:
    return replace(SVM, name=f"folds-{folds}", objective=CrossValidate(TrainSVM(data.digits()), folds))


def of_cost(cost: str) -> Study:
    return replace(NETWORK, name=cost, objective=TrainNetwork(data.digits(), cost=cost, value="cost"))


def test_contenders_of_other_objectives_are_each_tuned_by_their_own_search() -> None:
    few = data.digits().head(150, 100)
    arms = (
        Study("net", Space(learning_rate=Float(0.1, 1.0)), TrainNetwork(few, epochs=2), Random(trials=2)),
        Study(
            "quadratic", Space(learning_rate=Float(1.0, 9.0)), TrainNetwork(few, cost="quadratic", epochs=2), Random(trials=2)
        ),
        Study("dropout", Space(dropout=Float(0.1, 0.5)), TrainNetwork(few, learning_rate=0.5, epochs=2), Random(trials=2)),
        Study("svm", Space(C=Float(0.1, 9.0), gamma=Float(0.01, 1.0)), TrainSVM(few), Random(trials=2)),
        Study("forest", Space(max_depth=Int(1, 9)), TuneEstimator(RandomForestClassifier(5), few), Random(trials=2)),
    )
    found = compare(*arms, repetitions=3, jobs=1, tracker=MemoryTracker())
    assert found.heads[1] == "best validation error after 2 trials"
    assert found.result.study.question == (
        "Which of net, quadratic, dropout, svm, forest is better, each tuned by its own search at the same budget?"
    )
    assert found.conclusions[-1].startswith("Each contender was tuned by its own search")
    seed = _seeds(found)[0]
    for arm in arms:
        alone = replace(arm, seed=seed).run(backend="sequential", tracker=MemoryTracker(), report=False, model=False)
        first = found.contest.searches[arm.name][0]
        assert [trial.value for trial in first] == [trial.value for trial in alone.trials]
        assert [set(trial.params) for trial in first] == [set(arm.space)] * 2
    longer = [replace(arm, strategy=Random(trials=40)) for arm in (arms[0], arms[3])]  # so that both spend seconds
    seconds = compare(*longer, repetitions=3, unit="seconds", jobs=1, tracker=MemoryTracker())
    assert "seconds" in seconds.heads[1]


def test_an_objective_that_does_not_name_its_measure_is_compared_with_itself_alone() -> None:
    class Unnamed(ObjectiveBase):
        data = NETWORK.data

        def __call__(self, params: Params, context: Context) -> float:
            return 1.0

    class Other(Unnamed):
        def __call__(self, params: Params, context: Context) -> float:
            return 2.0

    space = Space(x=Float(0.0, 1.0))
    one, other = Study("one", space, Unnamed(), Random(trials=9)), Study("other", space, Other(), Random(trials=9))
    assert find_mismatch(one, one) is None
    found = find_mismatch(one, other)
    assert found is not None
    assert found.part == "measure"


def test_the_record_of_a_comparison_of_one_objective_is_as_before() -> None:
    """The identity of comparisons recorded before objectives could differ."""
    small = replace(NETWORK, objective=TrainNetwork(data.digits(), epochs=2), question="Which rate?")
    study = comparison_study((small, QuasiRandom(trials=9)), 3, None, "trials")
    assert study.name == "random vs quasi-random"
    assert study.question == "Which of random, quasi-random finds the better setting at the same budget? Which rate?"
    inner = {name: text for name, text in small.record().identity.items() if name != "seed"}
    other = inner | {"strategy": repr(QuasiRandom(trials=9))}
    assert study.identity["objective"] == f"RunArm({ ({'random': inner, 'quasi-random': other})!r}, trials=None)"


@pytest.mark.parametrize(
    ("arms", "options", "message"),
    [
        ((STUDY,), {}, "at least two contenders"),
        ((Random(trials=9), Grid()), {}, "studies, or a study and strategies"),
        ((STUDY, replace(STUDY, objective=far)), {}, "The objective of all contenders must be the same"),
        ((STUDY, replace(STUDY, maximize=True)), {}, "The direction of all contenders must be the same"),
        (
            (NETWORK, replace(NETWORK, objective=TrainNetwork(data.digits().head(300)))),
            {},
            "The data of all contenders must be the same",
        ),
        (
            (NETWORK, replace(SVM, objective=TrainSVM(data.digits().head(300)))),
            {},
            "The data of all contenders must be the same",
        ),
        (
            (NETWORK, replace(SVM, objective=CrossValidate(TrainSVM(data.digits())))),
            {},
            "'net': 'validation error', 'svm': 'cross-",
        ),
        ((cross_validated(5), cross_validated(3)), {}, "The measure of all contenders must be the same"),
        (
            (of_cost("cross_entropy"), of_cost("quadratic")),
            {},
            "by cross_entropy', 'quadratic': 'validation cost by quadratic'",
        ),
        (
            (NETWORK, replace(SVM, objective=TuneEstimator(SVC(), data.digits(), scoring="f1_macro"))),
            {},
            "The direction of all",
        ),
        ((NETWORK, STUDY), {}, "The objective of all contenders must be the same"),
        (
            (NETWORK, SVM),
            {"unit": "epochs"},
            "The budget of contender 'svm' must be in epochs, got 'an objective without epochs'",
        ),
        ((STUDY, Random(trials=10)), {}, "The trials of all contenders must be the same"),
        ((STUDY, Grid(points=3)), {"repetitions": 2}, "repetitions must be a whole number >= 3"),
        ((STUDY, Grid(points=3)), {"unit": "parsecs"}, "unit must be"),
        ((STUDY, Grid(points=3)), {"budget": 0}, "budget must be a whole number >= 1"),
        ((STUDY, Grid(points=3)), {"budget": 2.5}, "budget must be a whole number >= 1"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_runs(arms: tuple, options: dict, message: str) -> None:  # type: ignore[type-arg]
    tracker = MemoryTracker()
    with pytest.raises(StudyError, match=message):
        compare(*arms, tracker=tracker, **options)


def test_an_arm_that_finds_nothing_is_named() -> None:
    with pytest.raises(StudyError, match="Contender 'random' found nothing in 5 trials: ValueError: no luck"):
        compare(replace(STUDY, objective=_broken), Grid(points=2), repetitions=3, budget=9, jobs=1, tracker=MemoryTracker())


def _broken(params: dict[str, float]) -> float:
    raise ValueError("no luck")


def test_the_command_says_who_is_better_and_refuses_in_one_sentence(tmp_path: Path, put_store: Callable[[Path], Path]) -> None:
    put_store(tmp_path)
    (tmp_path / "arms.py").write_text(ARMS)

    done = run_command(tmp_path, "compare", "arms.py:near", "arms.py:far", "--repetitions", "5", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert "near is better than far after 6 trials: " in done.stdout
    found = MlflowTracker(root=tmp_path)
    tracked = comparison_study(tuple(load_study(tmp_path / "arms.py", n) for n in ("near", "far")), 5, None, "trials").tracked()
    recorded = found.find(tracked)
    assert recorded is not None
    assert len(recorded.trials) == 10
    assert PAGE in recorded.attached
    refused = run_command(tmp_path, "compare", "arms.py:near", "arms.py:far", "--repetitions", "2")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.strip().count("\n") == 0
    assert "repetitions must be a whole number >= 3, got 2" in refused.stderr


ARMS = '''
"""Which box holds the better values?"""
from hpsearch import Float, Space, Study
from hpsearch.strategies import Random

def value(params):
    return params["x"]

near = Study("near", Space(x=Float(0.0, 1.0)), value, Random(trials=6))
far = Study("far", Space(x=Float(2.0, 3.0)), value, Random(trials=6))
'''
