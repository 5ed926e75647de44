"""Grid against random on a few trials: the table, the pictures, what is recorded; and the space against the paper's text."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from hpsearch import Float, Int, Trial, data
from hpsearch.analysis.efficiency import Best, Box
from hpsearch.analysis.simulation import GRID_REFERENCE
from hpsearch.data import Dataset
from hpsearch.errors import DataError, SettingError
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Context
from hpsearch.reproductions.bergstra import network_search, nine_trials
from hpsearch.reproductions.bergstra.grid_vs_random import PUBLISHED, TEN_MINUTES, run, size
from hpsearch.reproductions.bergstra.network_space import AXES, SPACE, Images, axes, grid_space, objective
from hpsearch.reproductions.catalogue import find_reproduction
from hpsearch.reproductions.network_objectives import ERROR, Evaluated
from hpsearch.reproductions.reproduction import NOT_JUDGED, Options, Reproduced
from hpsearch.strategies import Grid
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Outcome, Status


def images() -> Images:
    """A few digits in place of MNIST; what is scored is what is selected on, in two parts."""
    digits = data.digits()
    part = digits.validation
    marked = replace(digits, name="digits-reproduction", reproduction=True, test=None).head(300)
    cuts = [type(part)(part.x[a:b], part.y[a:b]) for a, b in ((0, 100), (100, len(part)))]
    return Images(marked, tuple(cuts))


@pytest.fixture(scope="module")
def tracker() -> MemoryTracker:
    return MemoryTracker()


@pytest.fixture(scope="module")
def found(tracker: MemoryTracker) -> Reproduced:
    return run(Options(lambda: tracker, jobs=1, trials=8, say=lambda sentence: None), images)


def test_every_published_figure_stands_beside_ours(found: Reproduced) -> None:
    published = [row.published for row in found.rows]
    assert published[0] == "3 / 9"
    assert published[2:7] == [f"{share:.2f}" for points in GRID_REFERENCE.values() for _, share in points]
    # Medians of 1, 2, 4 and 8 trials, the sizes that 8 trials have, around the grid and the share that reaches it.
    assert published[8:] == ["0.9531", "0.9354", "0.9403", "0.9450", "0.9466", "0 of 8"]
    assert all(row.ours and row.verdict for row in found.rows)
    assert found.rows[0].ours == "3 / 9"


def test_it_is_recorded_with_its_pictures(found: Reproduced, tracker: MemoryTracker) -> None:
    assert len(tracker.studies) == 6
    main = tracker.studies["grid-vs-random-network-8"]
    assert found.main is not None
    assert found.main.record.name == main.record.name
    assert main.files == found.files
    assert main.record.tags == {"reproduction": "true"}
    stills = [name for name in found.files if name.endswith(".png")]
    assert stills == ["plots/nine-trials.png", "plots/targets.png", "plots/efficiency.png"]
    for name in stills:
        assert np.asarray(imread(io.BytesIO(found.files[name]))).std() > 0.01  # not blank
        assert len(found.files[name]) < 200_000


def test_it_says_what_was_found_not_the_slogan(found: Reproduced) -> None:
    reached = next(row for row in found.rows if "8 random trials" in row.what).ours
    headline = next(sentence for sentence in found.conclusions if "8 random trials" in sentence)
    assert headline.startswith(f"On MNIST {reached} experiments")
    assert ("does not hold" in headline) == (reached == "0 of 1")


def test_it_goes_on_where_it_ended(found: Reproduced, tracker: MemoryTracker) -> None:
    again = run(Options(lambda: tracker, jobs=1, trials=8, say=lambda sentence: None), images)
    assert again.rows == found.rows
    assert again.main is not None
    assert again.main.taken_over == 8


@pytest.mark.campaign
def test_a_smoke_run_has_records_of_its_own_and_judges_nothing() -> None:
    tracker = MemoryTracker()
    found = run(Options(lambda: tracker, jobs=1, smoke=True, say=lambda sentence: None), images)
    assert {row.verdict for row in found.rows} == {NOT_JUDGED}
    assert all(name.endswith("-smoke") for name in tracker.studies)


def test_scores_of_a_trial_that_diverged_are_those_of_guessing() -> None:
    ok = Trial(0, {}, "all", Status.FINISHED, Outcome(0.1, {ERROR: 0.2}))
    scores = network_search.scores([ok, Trial(1, {}, "all", Status.DIVERGED)], images())
    assert scores.validation.tolist() == [0.1, 0.9]
    assert scores.test.tolist() == [0.2, 0.9]


def test_from_how_many_trials_on_random_search_is_as_good() -> None:
    def box(trials: int, *errors: float) -> Box:
        return Box(trials, tuple(Best(error, 0.0) for error in errors))

    boxes = (box(1, 0.3, 0.1, 0.2), box(2, 0.09, 0.09), box(4, 0.11), box(8, 0.08), box(16, 0.05))
    found = network_search.Searches(None, None, boxes, Best(0.1, 0.0004))  # type: ignore[arg-type]
    assert found.needed() == 8  # two trials were as good, but four were not
    assert found.needed(0.02) == 2
    assert network_search.Searches(None, None, boxes[:3], Best(0.1, 0.0)).needed() is None  # type: ignore[arg-type]
    assert found.reached == (1, 1)


def test_random_search_comes_nearer_by_the_theory_of_least_distances() -> None:
    # Wherever the top is, the grid's nearest of 3 cell centres is uniform in [0, 1/6], mean 1/12. Of 9 uniform points the
    # nearest to a uniform top is E = int_0^1 int_0^inf P(all further than d) dd dp = 0.0545 (numerically, below).
    p = np.linspace(0, 1, 1001)[:, None]
    d = np.linspace(0, 1, 1001)[None, :]
    covered = np.minimum(p + d, 1) - np.maximum(p - d, 0)
    theory = {"grid": 1 / 12, "random": float(((1 - covered) ** 9).mean())}
    for name, expected in theory.items():
        outcome = nine_trials.Repeat(1000)({"strategy": name}, Context(np.random.default_rng(0)))
        # The bump is symmetric and high, so that the best trial is the one nearest in x, but for far ones that tie at 0.
        assert outcome.value == pytest.approx(expected, abs=4 * outcome.metrics["standard_error"] + 0.004)


def test_the_space_is_the_papers() -> None:
    ranges = {name: domain for name, domain in SPACE.domains.items() if isinstance(domain, (Float, Int))}
    assert {name: (d.low, d.high, d.log) for name, d in ranges.items()} == {
        "init.Uniform.scale": (0.2, 2.0, False),
        "init.Normal.scale": (0.2, 2.0, False),
        "hidden": (18, 1024, True),
        "learning_rate": (0.001, 10.0, True),
        "schedule.start": (300, 30_000, True),
        "l2.strength": (3.1e-7, 3.1e-5, True),
    }
    rng = np.random.default_rng(0)
    drawn = [SPACE.sample(rng) for _ in range(400)]
    without = sum(params["l2"] == 0.0 for params in drawn)
    assert 140 < without < 260  # half of the time, within six standard errors
    check = objective(images(), 5, 5).check
    for params in drawn[:20]:
        check(SPACE.resolve(params))


@pytest.mark.parametrize(("most", "points"), [(100, 100), (99, 60), (8, 8), (2, 2), (1, 1)])
def test_a_grid_has_at_most_so_many_points(most: int, points: int) -> None:
    values = axes(most)
    space = grid_space(values)
    cells = space.grid({name: values[name] for name in ("hidden", "learning_rate")})
    assert len(cells) == points
    assert {cell["hidden"] for cell in cells} <= set(AXES["hidden"])
    next(Grid({name: values[name] for name in ("hidden", "learning_rate")}).search(space, np.random.default_rng(0)))


def test_sizes() -> None:
    def options(**settings: object) -> Options:
        return Options(MemoryTracker, **settings)  # type: ignore[arg-type]

    assert size(options()) is TEN_MINUTES
    assert size(options(full=True)) is PUBLISHED
    assert (PUBLISHED.random, PUBLISHED.grid, PUBLISHED.targets) == (256, 100, 10_000)
    assert (size(options(trials=4)).random, size(options(trials=4)).grid) == (4, 4)
    with pytest.raises(SettingError, match=r"--trials must be a whole number >= 3, got 2\."):
        options(trials=2)
    with pytest.raises(SettingError, match="--trials must be left out beside --full, got 4"):
        options(trials=4, full=True)
    with pytest.raises(SettingError, match=r"got 'grid-vs-randm'\. .*Did you mean 'grid-vs-random'\?"):
        find_reproduction("grid-vs-randm")


class TestEvaluated:
    def make(self, dataset: Dataset | None = None) -> Evaluated:
        return Evaluated(TrainNetwork(dataset or images().dataset, learning_rate=0.5, epochs=3), images().evaluation)

    def test_the_kept_network_is_scored(self) -> None:
        objective = self.make()
        outcome = objective({}, Context(np.random.default_rng(7)))
        # The evaluation images are the validation images here, so that both errors are the same number.
        assert outcome.metrics[ERROR] == pytest.approx(outcome.value)
        assert outcome.state is None
        plain = objective.train({}, Context(np.random.default_rng(7)))
        assert (plain.value, plain.history) == (outcome.value, outcome.history)

    def test_data_must_be_marked(self) -> None:
        with pytest.raises(DataError, match="marked as a reproduction's"):
            self.make(replace(images().dataset, reproduction=False))

    def test_is_known_by_its_data(self) -> None:
        assert repr(self.make()) == repr(self.make())
        assert f"{len(data.digits().validation)} rows" in repr(self.make())
