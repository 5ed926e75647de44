"""Pre-flight checks of a network: trials before a search that find bugs, and learning rates that work.

    initial cost     the untrained network costs what guessing costs: log C (softmax), C ln 2 (sigmoid and cross-entropy),
                     C/8 (quadratic), C/2 (quadratic with tanh), C - 1 (hinge); left out for large initial weights, for
                     those of a trained network and for squared errors, which have no such cost
    learning rate    by factors of ten: at which rates does training cost fall over the first epochs?
    overfit          five mini-batches are learnt to 100 %, with tanh outputs 90 %; of numbers, 95 % of their variance
    beat chance      a short training beats the commonest class, or the mean, on validation data (shuffled labels pass all
                     other checks)

None of them uses a penalty, dropout, a limit of norms, distorted images, averages or frozen layers; the other params are at
the middle of their ranges.
Source: the seven steps of the course CS231n, Stanford; Nielsen, Neural Networks and Deep Learning, ch. 3 (the threshold of the
learning rate).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hpsearch.checks import integer
from hpsearch.nn.rate import CostCurve, FoundRate, check_has_rate, find_threshold, follow_cost
from hpsearch.nn.schedules import Constant
from hpsearch.nn.training.training import Training
from hpsearch.objectives.network_trainer import TrainingPlan
from hpsearch.objectives.targets import REGRESSION_COSTS
from hpsearch.ports import Batch, Context, Preflight, Proposal
from hpsearch.space import Float, Space, can_reach
from hpsearch.trial import PREFLIGHT, Outcome, Params, Trial

INITIAL, RATE, OVERFIT, CHANCE = (f"{PREFLIGHT}: {n}" for n in ("initial cost", "learning rate", "overfit", "beat chance"))
# Where the user gives no range of learning rates, and the decades that are tried.
RATES = Float(1e-4, 1e2, log=True)
_TRIED = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2)
# What keeps a network from learning its rows by heart, or ends its training early, is no bug: the checks leave it out.
_PLAIN = (
    dict.fromkeys(("l1", "l2", "dropout", "input_dropout"), 0.0)
    | dict.fromkeys(("stopping", "expansion", "averaging", "max_norm", "freeze_epochs"))
    | {"schedule": Constant(), "members": 1, "freeze": 0, "lower_rate_factor": 1.0}
)
_ENDS = "The search ends before it begins:"


def checks(settings: Mapping[str, Any], space: Space, *, started: bool = False) -> Preflight:
    """Yield the checks as batches; return the space to search, or None after the note on a check that found a bug.

    Args:
        settings: the fixed settings of the objective.
        space: what is to be searched. A range of learning rates that the user left out becomes three decades, from a hundredth
            of the decade at which training cost falls most to ten times as much.
        started: whether first weights are those of a trained network, which do not guess.
    """
    middle = space.from_unit([0.5] * len(space))
    guesses = not started and middle.get("init", settings["init"]) != "large"
    if guesses and middle.get("cost", settings["cost"]) not in REGRESSION_COSTS:
        (first,) = yield Batch([Proposal(middle)], INITIAL)
        if not _passed(first):
            yield _end(INITIAL, _bug(first, INITIAL))
            return None
    rates = [rate for rate in _TRIED if "learning_rate" in middle and can_reach(space["learning_rate"], rate)]
    tried = yield Batch([Proposal(p) for p in _with_each(middle, rates)], RATE, space=space)
    falling = sorted((t for t in tried if _passed(t)), key=lambda t: _metric(t, "cost_after"))
    problem = _ranged_problem(space, rates, falling) if "learning_rate" in middle else _fixed_problem(settings, falling)
    if problem:
        yield _end(RATE, problem)
        return None
    leader = falling[0].params
    rate = leader.get("learning_rate")
    for stage in (OVERFIT, CHANCE):
        points = _with_each(leader, _around(space, rate) if rate else [])
        trials = yield Batch([Proposal(p) for p in points], stage, space=space)
        if not any(_passed(trial) for trial in trials):
            yield _end(stage, _bug(trials[0], stage))
            return None
    return _with_rates(space, rate)


def simplified(params: Params) -> Params:
    """Return the params that the checks train with: without penalties, dropout, distorted images and averages."""
    return params | _PLAIN


def check(plan: TrainingPlan, context: Context) -> Outcome:
    """Run the check that ``context.stage`` names; the value is the validation value of the network it ends with.

    Args:
        plan: of params that are `simplified`.
        context: of the trial.
    """
    training, metrics, verdict = CHECKS[context.stage](plan, context.rng)
    value = plan.value_of(training.network.score(*plan.validation), training.network)
    passed = "passed" if metrics["passed"] else "failed"
    return Outcome(value, metrics, artifacts={"verdict.txt": f"{passed}: {verdict}\n".encode()})


def find_rate(plan: TrainingPlan, epochs: int = 5, repeats: int = 3, seed: int = 0) -> FoundRate:
    """Find the threshold of the learning rate on all training rows of a plan; see `hpsearch.nn.find_rate`.

    Args:
        plan: of params that are `simplified`.
        epochs: of each training.
        repeats: trainings at each rate.
        seed: of the first of them.
    Raises:
        SettingError: the method has no learning rate, or there is no threshold.
    """
    check_has_rate(plan.settings["optimizer"])
    integer("epochs", epochs, 1, "Try 5.")

    def begin(rate: float, number: int) -> Training:
        return plan.changed(learning_rate=rate, epochs=epochs).start(np.random.default_rng(number))

    return find_threshold(begin, plan.targets.encode(plan.rows), repeats=repeats, seed=seed)


Verdict = tuple[Training, dict[str, float], str]


def _initial_cost(plan: TrainingPlan, rng: np.random.Generator) -> Verdict:
    """Compare with guessing: biases start as N(0, 1), which raises the cost by up to a half; a factor of two is a bug.

    Tanh outputs change twice as fast as sigmoid ones, which multiplies their cost by up to 2.7: there three is the bound.
    """
    training = plan.start(rng)
    part = plan.data.at_most(1000).train
    cost, guess = training.network.score(part.x, part.y).cost, guessing(training.network.cost_name, plan.data.classes)
    most = 3 if training.network.cost_name == "quadratic_tanh" else 2
    metrics = {"initial_cost": cost, "expected_cost": guess, "passed": float(guess / 2 < cost < most * guess)}
    return training, metrics, f"the untrained network costs {cost:.3g}, and guessing costs {guess:.3g}"


def guessing(cost: str, classes: int) -> float:
    """Return the cost of a network whose outputs are all alike.

    >>> [round(guessing(cost, 10), 2) for cost in ("log_likelihood", "cross_entropy", "quadratic", "hinge")]
    [2.3, 6.93, 1.25, 9]
    """
    known = {
        "log_likelihood": math.log(classes),
        "cross_entropy": classes * math.log(2),
        "quadratic": classes / 8,
        "hinge": classes - 1,
        "quadratic_tanh": classes / 2,
    }
    return known[cost]


def _rate_works(plan: TrainingPlan, rng: np.random.Generator) -> Verdict:
    """Train three epochs of about 100 mini-batches; the cost must fall, and not rise on the way by more than 2 %."""
    small = plan.changed(train_rows=100 * plan.recipe.batch_size, epochs=3)
    training, rows = small.start(rng), small.targets.encode(small.data.train)
    curve = CostCurve(small.recipe.learning_rate, tuple(follow_cost(training, rows)))
    metrics = {"cost_before": curve.costs[0], "cost_after": curve.costs[-1], "passed": float(curve.falls)}
    return training, metrics, "training cost went " + " -> ".join(f"{cost:.3g}" for cost in curve.costs)


def _overfits(plan: TrainingPlan, rng: np.random.Generator) -> Verdict:
    """Train on five mini-batches, of ten rows at most, until every row is right or 500 epochs are over."""
    size = min(plan.recipe.batch_size, 10)
    small = plan.changed(train_rows=5 * size, epochs=500, **({} if plan.recipe.full_batch else {"batch_size": size}))
    training, rows = small.start(rng), small.targets.encode(small.data.train)
    regression, count, learnt, epochs = small.data.regression, len(small.data.train), 0.0, 0
    name, enough = ("training_r2", 0.95) if regression else ("training_accuracy", 1.0)
    if training.network.cost_name == "quadratic_tanh":
        enough = 0.9  # tanh outputs that are saturated on the wrong side hardly learn by a quadratic cost
    if plan.encoded is not None:
        enough = _enough_of_a_table(small)
    for epoch in training.run():
        score = training.network.score(*rows)
        share = 1 - 2 * score.cost / small.data.outputs
        learnt, epochs = share if regression else score.accuracy, epoch.epoch
        if learnt >= enough:
            break
    metrics = {name: learnt, "epochs": float(epochs), "passed": float(learnt >= enough)}
    what = f"of the variance of {count}" if regression else f"of {count}"
    expected = "all of them" if enough == 1.0 else f"{enough:.0%}"
    text = f"{learnt:.1%} {what} training rows were learnt in {epochs} epochs, and {expected} should be"
    return training, metrics, text


def _enough_of_a_table(plan: TrainingPlan) -> float:
    """Return which share of some rows of a table a network learns: few columns do not tell all rows apart.

    Of classes it is a quarter of the way from the most frequent one to what equal rows allow; of numbers half of the variance.
    """
    part = plan.data.train
    if plan.data.regression:
        return 0.5
    kinds = np.unique(part.x, axis=0, return_inverse=True)[1].ravel()
    counts = np.zeros((kinds.max() + 1, plan.data.classes))
    np.add.at(counts, (kinds, part.y), 1.0)
    most, possible = counts.sum(0).max() / len(part), counts.max(1).sum() / len(part)
    return float(most + 0.25 * (possible - most))


def _margin(plan: TrainingPlan) -> float:
    """Return by how many standard errors two epochs must beat chance; on a table, where little may be learnable, by minus 3."""
    return 3.0 if plan.encoded is None else -3.0


def _beats_chance(plan: TrainingPlan, rng: np.random.Generator) -> Verdict:
    """Train two epochs on all training rows: three standard errors above the commonest class; on a table not so far below."""
    training = plan.changed(epochs=2).start(rng)
    for _ in training.run():
        pass
    if plan.data.regression:
        return _beats_the_mean(plan, training)
    part = plan.data.validation
    accuracy, chance = training.network.score(part.x, part.y).accuracy, float(np.bincount(part.y).max() / len(part))
    least = chance + _margin(plan) * math.sqrt(chance * (1 - chance) / len(part))
    metrics = {"validation_accuracy": accuracy, "chance": chance, "passed": float(accuracy > least)}
    return training, metrics, f"validation accuracy after two epochs is {accuracy:.1%}, and chance is {chance:.1%}"


def _beats_the_mean(plan: TrainingPlan, training: Training) -> Verdict:
    """Compare squared errors, those of guessing the training mean less the network's: three standard errors above 0."""
    x, y = plan.validation[:2]
    less = y**2 - (training.network.predict(x) - y) ** 2
    less = less if less.ndim == 1 else less.mean(axis=1)
    share = float(less.mean() / (y**2).mean())
    metrics = {"validation_share": share, "passed": float(less.mean() > _margin(plan) * less.std() / math.sqrt(len(y)))}
    return training, metrics, f"two epochs took {share:.1%} off the squared error of guessing the mean"


CHECKS: dict[str, Callable[[TrainingPlan, np.random.Generator], Verdict]] = {
    INITIAL: _initial_cost,
    RATE: _rate_works,
    OVERFIT: _overfits,
    CHANCE: _beats_chance,
}
_ADVICE = {
    INITIAL: "Look at the scale of the inputs and at the first weights",
    OVERFIT: "Look at the first weights (dead units learn nothing), at the gradient, and for equal rows with different targets",
    CHANCE: "Look whether the labels belong to their rows",
}


def _passed(trial: Trial) -> bool:
    return _metric(trial, "passed") == 1.0


def _metric(trial: Trial, name: str) -> float:
    return trial.outcome.metrics.get(name, math.nan) if trial.outcome else math.nan


def _bug(trial: Trial, stage: str) -> str:
    """Return what a failed check means, in one sentence."""
    said: Any = trial.outcome.artifacts.get("verdict.txt", b"") if trial.outcome else b""
    verdict = said.decode().strip().removeprefix("failed: ") or trial.error or "it did not finish"
    return f"{verdict}. {_ADVICE.get(stage, 'Correct that first')}."


def _with_each(params: Params, rates: Sequence[float]) -> list[Params]:
    return [params | {"learning_rate": rate} for rate in rates] or [params]


def _around(space: Space, rate: float) -> list[float]:
    """Return the rate and its neighbours a decade away: a training near the threshold may diverge without any bug."""
    return [r for r in (rate, rate * 10, rate / 10) if can_reach(space["learning_rate"], r)]


def _fixed_problem(settings: Mapping[str, Any], falling: Sequence[Trial]) -> str:
    """Return what is wrong with a learning rate that is fixed or not needed, or an empty text."""
    if falling:
        return ""
    rate = settings["learning_rate"]
    if rate is None:
        return "training cost does not fall. Look at the first weights and at the gradient."
    return f"training cost does not fall at the learning rate {rate:g}. Try a tenth of it, or look at the first weights."


def _ranged_problem(space: Space, rates: Sequence[float], falling: Sequence[Trial]) -> str:
    """Return what is wrong with the range of learning rates, or an empty text."""
    if not falling:
        ends = f"{rates[0]:g} to {rates[-1]:g}" if rates else "that the range allows"
        return f"training cost falls at none of the learning rates {ends}. Look at the first weights and at the gradient."
    domain: Any = space["learning_rate"]
    best = falling[0].params["learning_rate"]
    if domain.low > 10 * best:
        advice = "Lower the range, or look for a factor that raises the rate"
        return f"training cost falls most at a learning rate of {best:g}, and the range begins at {domain.low:g}. {advice}."
    return ""


def _with_rates(space: Space, rate: float | None) -> Space:
    """Return the space with its range of learning rates set by the check, where the user gave none."""
    if rate is None or space["learning_rate"] != RATES:
        return space
    return space.with_domains({"learning_rate": Float(rate / 100, rate * 10, log=True)})


def _end(stage: str, sentence: str) -> Batch:
    return Batch((), stage, note=f"{_ENDS} {sentence}")
