"""Checks before a search, each a trial with a verdict: is there a bug that no hyperparameter can mend, and which rates work?

    initial cost     the untrained network costs what guessing costs: log C (softmax), C ln 2 (sigmoid and cross-entropy),
                     C/8 (quadratic); left out for large initial weights and for linear outputs, which have no such cost
    learning rate    by factors of ten: at which rates does training cost fall over the first epochs?
    overfit          five mini-batches are learnt to 100 %; of numbers, 95 % of their variance
    beat chance      a short training beats the commonest class, or the mean, on validation data (shuffled labels pass all the
                     others)

No penalty, no dropout, no distorted images and no averages in any of them, the other params at the middle of their ranges.
Source: the seven steps of the course CS231n, Stanford; Nielsen, Neural Networks and Deep Learning, ch. 3 (the threshold of the
learning rate).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from hpsearch.nn.optimizers.full_batch import is_full_batch
from hpsearch.nn.schedules import Constant
from hpsearch.nn.training.training import Training
from hpsearch.objectives.targets import FOR_NUMBERS
from hpsearch.ports import Batch, Context, Preflight, Proposal
from hpsearch.space import Float, Space, admits
from hpsearch.trial import PREFLIGHT, Outcome, Params, Trial

if TYPE_CHECKING:
    from hpsearch.objectives.network import TrainNetwork

INITIAL, RATE, OVERFIT, CHANCE = (f"{PREFLIGHT}: {n}" for n in ("initial cost", "learning rate", "overfit", "beat chance"))
# Where the user gives no range of learning rates, and the decades that are tried.
RATES = Float(1e-4, 1e2, log=True)
_TRIED = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2)
# What keeps a network from learning its rows by heart, or ends its training, is no bug, and is left out.
_PLAIN = dict.fromkeys(("l1", "l2", "dropout", "input_dropout"), 0.0) | dict.fromkeys(("stopping", "expansion", "averaging"))
_ENDS = "The search ends before it begins:"


def checks(objective: TrainNetwork, space: Space) -> Preflight:
    """Yield the checks as batches; return the space to search, or None after saying which check revealed a bug.

    A range of learning rates that the user left out becomes three decades, from a hundredth of the decade at which training
    cost falls most to ten times as much.
    """
    middle = space.from_unit([0.5] * len(space))
    if middle.get("init", objective.init) != "large" and middle.get("cost", objective.cost) not in FOR_NUMBERS:
        (first,) = yield Batch([Proposal(middle)], INITIAL)
        if not _passed(first):
            yield _end(INITIAL, _bug(first, INITIAL))
            return None
    rates = [rate for rate in _TRIED if "learning_rate" in middle and admits(space["learning_rate"], rate)]
    tried = yield Batch([Proposal(p) for p in _with_each(middle, rates)], RATE, space=space)
    falling = sorted((t for t in tried if _passed(t)), key=lambda t: _metric(t, "cost_after"))
    problem = _no_rate(objective, space if "learning_rate" in middle else None, rates, falling)
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


def check(objective: TrainNetwork, params: Params, context: Context) -> Outcome:
    """Run the check that is named by ``context.stage``; the value is the validation value of the network it ends with."""
    plain = params | _PLAIN | {"schedule": Constant(), "members": 1}
    training, metrics, verdict = CHECKS[context.stage](objective, plain, context.rng)
    answers = objective.answers(plain)
    score = training.network.score(*answers.rows(objective.data.validation))
    value = score.cost if objective.value == "cost" else answers.error(score)
    passed = "passed" if metrics["passed"] else "failed"
    return Outcome(value, metrics, artifacts={"verdict.txt": f"{passed}: {verdict}\n".encode()})


Verdict = tuple[Training, dict[str, float], str]


def _initial_cost(objective: TrainNetwork, params: Params, rng: np.random.Generator) -> Verdict:
    """Biases start as N(0, 1), which raises the cost by up to a half; a factor of two either way is a bug."""
    training = objective._start(params, rng)
    part = objective.data.train.head(min(1000, len(objective.data.train)))
    cost, guess = training.network.score(part.x, part.y).cost, guessing(training.network.cost_name, objective.data.classes)
    metrics = {"initial_cost": cost, "expected_cost": guess, "passed": float(guess / 2 < cost < 2 * guess)}
    return training, metrics, f"the untrained network costs {cost:.3g}, and guessing costs {guess:.3g}"


def guessing(cost: str, classes: int) -> float:
    """Return the cost of a network whose outputs are all alike.

    >>> [round(guessing(cost, 10), 2) for cost in ("log_likelihood", "cross_entropy", "quadratic")]
    [2.3, 6.93, 1.25]
    """
    known = {"log_likelihood": math.log(classes), "cross_entropy": classes * math.log(2), "quadratic": classes / 8}
    return known[cost]


def _rate_works(objective: TrainNetwork, params: Params, rng: np.random.Generator) -> Verdict:
    """Train three epochs of about 100 mini-batches; the cost must fall, and not rise on the way by more than 2 %."""
    small = objective.shrunk(100 * _batch_size(objective, params), None)
    training = small._start(params | {"epochs": 3}, rng)
    rows = small.answers(params).rows(small.data.train)
    costs = [training.network.score(*rows).cost]
    costs += [training.network.score(*rows).cost for _ in training.run()]
    rises = any(after > 1.02 * before for before, after in pairwise(costs))
    falls = bool(np.isfinite(costs).all()) and costs[-1] < 0.98 * costs[0] and not rises
    metrics = {"cost_before": costs[0], "cost_after": costs[-1], "passed": float(falls)}
    return training, metrics, "training cost went " + " -> ".join(f"{cost:.3g}" for cost in costs)


def _overfits(objective: TrainNetwork, params: Params, rng: np.random.Generator) -> Verdict:
    """Five mini-batches, of ten rows at most, until every row is right or 500 epochs are over."""
    size = min(_batch_size(objective, params), 10)
    small = objective.shrunk(5 * size, None)
    whole = is_full_batch(params.get("optimizer", objective.optimizer))
    training = small._start(params | {"epochs": 500} | ({} if whole else {"batch_size": size}), rng)
    rows, learnt, epochs = small.answers(params).rows(small.data.train), 0.0, 0
    name, enough = ("training_r2", 0.95) if small.data.regression else ("training_accuracy", 1.0)
    for epoch in training.run():
        score = training.network.score(*rows)
        learnt, epochs = 1 - 2 * score.cost if small.data.regression else score.accuracy, epoch.epoch
        if learnt >= enough:
            break
    metrics = {name: learnt, "epochs": float(epochs), "passed": float(learnt >= enough)}
    what = f"of the variance of {len(small.data.train)}" if small.data.regression else f"of {len(small.data.train)}"
    expected = "all of them" if enough == 1.0 else f"{enough:.0%}"
    text = f"{learnt:.1%} {what} training rows were learnt in {epochs} epochs, and {expected} should be"
    return training, metrics, text


def _beats_chance(objective: TrainNetwork, params: Params, rng: np.random.Generator) -> Verdict:
    """Three standard errors above the commonest class, after two epochs on all training rows."""
    training = objective._start(params | {"epochs": 2}, rng)
    for _ in training.run():
        pass
    if objective.data.regression:
        return _beats_the_mean(objective, params, training)
    part = objective.data.validation
    accuracy, chance = training.network.score(part.x, part.y).accuracy, float(np.bincount(part.y).max() / len(part))
    least = chance + 3 * math.sqrt(chance * (1 - chance) / len(part))
    metrics = {"validation_accuracy": accuracy, "chance": chance, "passed": float(accuracy > least)}
    return training, metrics, f"validation accuracy after two epochs is {accuracy:.1%}, and chance is {chance:.1%}"


def _beats_the_mean(objective: TrainNetwork, params: Params, training: Training) -> Verdict:
    """Three standard errors of the paired difference: squared errors of guessing the training mean less the network's."""
    x, y = objective.answers(params).rows(objective.data.validation)
    less = y**2 - (training.network.predict(x) - y) ** 2
    share = float(less.mean() / (y**2).mean())
    metrics = {"validation_share": share, "passed": float(less.mean() > 3 * less.std() / math.sqrt(len(y)))}
    return training, metrics, f"two epochs took {share:.1%} off the squared error of guessing the mean"


CHECKS: dict[str, Callable[..., Verdict]] = {
    INITIAL: _initial_cost,
    RATE: _rate_works,
    OVERFIT: _overfits,
    CHANCE: _beats_chance,
}
_ADVICE = {
    INITIAL: "Look at the scale of the inputs and at the first weights",
    OVERFIT: "Look at the first weights (dead units learn nothing), at the gradient, and for equal rows of different answer",
    CHANCE: "Look whether the labels belong to their rows",
}


def _batch_size(objective: TrainNetwork, params: Params) -> int:
    return int(params.get("batch_size", objective.batch_size))


def _passed(trial: Trial) -> bool:
    return _metric(trial, "passed") == 1.0


def _metric(trial: Trial, name: str) -> float:
    return trial.outcome.metrics.get(name, math.nan) if trial.outcome else math.nan


def _bug(trial: Trial, stage: str) -> str:
    """Say what a failed check means, in one sentence."""
    said: Any = trial.outcome.artifacts.get("verdict.txt", b"") if trial.outcome else b""
    verdict = said.decode().strip().removeprefix("failed: ") or trial.error or "it did not finish"
    return f"{verdict}. {_ADVICE.get(stage, 'Correct that first')}."


def _with_each(params: Params, rates: Sequence[float]) -> list[Params]:
    return [params | {"learning_rate": rate} for rate in rates] or [params]


def _around(space: Space, rate: float) -> list[float]:
    """Return the rate and a decade either way: a single training near the threshold goes astray without any bug."""
    return [r for r in (rate, rate * 10, rate / 10) if admits(space["learning_rate"], r)]


def _no_rate(objective: TrainNetwork, space: Space | None, rates: Sequence[float], falling: Sequence[Trial]) -> str:
    """Say what is wrong with the learning rates, if anything is; ``space`` is None where none is searched or none is needed."""
    if space is None:
        rate = objective.learning_rate
        if falling or rate is None:
            return "" if falling else "training cost does not fall. Look at the first weights and at the gradient."
        return f"training cost does not fall at the learning rate {rate:g}. Try a tenth of it, or look at the first weights."
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
    return space.with_ranges({"learning_rate": Float(rate / 100, rate * 10, log=True)})


def _end(stage: str, sentence: str) -> Batch:
    return Batch((), stage, note=f"{_ENDS} {sentence}")
