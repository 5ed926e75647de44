"""Search on a reduced problem that grows, stage by stage, to the whole one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hpsearch.checks import boolean, integer
from hpsearch.errors import SettingError, must_be
from hpsearch.ports import Batch, Proposal, Search, StrategyBase
from hpsearch.space import Choice, Params, Space
from hpsearch.space.equality import params_key
from hpsearch.strategies.candidate_model import CandidateModel, describe_failed_stage, draw_around
from hpsearch.strategies.known_settings import best_known
from hpsearch.strategies.named_parameters import check_in_space, check_names
from hpsearch.strategies.starting_points import first_points
from hpsearch.trial import PREFLIGHT, Trial

# The stage of the whole problem. The smaller ones have other values, so their trials count as pre-flight checks: none of them
# can be the best of the study.
_WHOLE = "whole"
# How many sizes a range grows through where no choice says it.
_SIZES = 3
# How often the smallest problem draws anew where no setting does better than another.
_DRAWS = 3
# How many of the best settings the next stage begins with, and how wide the windows around the best are at first and at last,
# as in Staged.
_KEEP, _FIRST_WIDTH, _LAST_WIDTH = 2, 0.5, 0.1


@dataclass(frozen=True)
class Grow(StrategyBase):
    """Search a small version of the problem broadly, then larger ones around the best settings, and at last the whole.

    The parameters in ``by`` make the problem: all of them have their first option in the first stage, and each takes its next
    one in each later stage, until all are at their last. Write their options from small to large, as in ``classes=Choice(2,
    10)``, ``train_size=Choice(1000, 10_000, 50_000)`` and ``hidden=Choice((), (30,))`` for `TrainNetwork`; a range grows from
    its low end to its high end. The other parameters are searched in every stage.

    The first stage fills the space: near its centre, and by Sobol points. If all its values are equal, as at chance level, it
    draws more, up to three times as many. Each later stage first trains the two best settings of the stage before, as a model
    of that stage ranks them, and then draws around its own best trials, as the fine stages of `Staged` do. Its windows shrink
    from half to a tenth of each range.

    Trials of reduced problems have values of their own, which say nothing of the whole problem. They are stages
    ``pre-flight: size 1 of 3`` and so on: they are recorded and shown, and never selected. The best trial of a study is one
    of the whole problem.

    Args:
        by: the parameters that grow together.
        trials: on the whole problem.
        reduced: the number of trials on each smaller problem.
        batch_size: the number of trials in a batch after the first stage; smaller batches follow the best trials more closely.
        preflight: whether the objective's pre-flight checks run first, if it has any, as in `Staged`.

    Known value: on MNIST the first stage above takes a fiftieth of the time of a trial of the whole problem
    (docs/step-by-step.md). Source: Nielsen, Neural Networks and Deep Learning, ch. 3, "broad strategy": fewer classes, no
    hidden layer and fewer images until there is a signal, then larger ones.
    """

    by: tuple[str, ...]
    trials: int = 24
    reduced: int = 16
    batch_size: int = 8
    preflight: bool = True

    def __post_init__(self) -> None:
        check_names(self, "by", "Write it as in ('train_size', 'hidden').", fewest=1)
        for name, example in (("trials", 24), ("reduced", 16), ("batch_size", 8)):
            integer(f"Grow {name}", getattr(self, name), 1, f"Try {example}.")
        boolean("Grow preflight", self.preflight, "Leave it out for True.")

    def check(self, space: Space) -> None:
        """Raise for names that cannot grow, or where nothing is left to search."""
        self._sizes(space)

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield the batches of each size, the smallest first."""
        sizes = self._sizes(space)
        settings = best_known(space, known, _KEEP, without=self.by)
        growth = _Growth(space, self.by, settings, self.batch_size, self.reduced * (len(sizes) - 1) + self.trials, rng)
        for at, size in enumerate(sizes, 1):
            whole = at == len(sizes)
            stage = _WHOLE if whole else f"{PREFLIGHT}: size {at} of {len(sizes)}"
            growth.begin(stage, size)
            yield Batch((), stage, note=f"Size {at} of {len(sizes)}: {_describe(space, size)}.{growth.describe_start()}")
            yield from growth.fill(self.reduced, _DRAWS) if at == 1 else growth.refine(self.trials if whole else self.reduced)
            if not any(trial.ok for trial in growth.ended):
                yield Batch((), stage, note=describe_failed_stage(stage, growth.ended))
                return

    def _sizes(self, space: Space) -> list[Params]:
        """Return the values of the growing parameters in each stage.

        Raises:
            SettingError: for an unknown or conditional name, one with a single value, or where nothing is left to search.
        """
        check_in_space("Grow by", self.by, space)
        searched = [name for name in space if name not in self.by]
        if not searched:
            advice = "Add what is to be searched, such as learning_rate."
            raise SettingError(must_be("Grow by", "some parameters of the space, but not all", self.by, advice))
        options = {name: list(d.kept) for name, d in ((n, space[n]) for n in self.by) if isinstance(d, Choice)}
        count = max(map(len, options.values()), default=_SIZES)
        if count < 2 or any(len(kept) < 2 for kept in options.values()):
            advice = "Write its options from small to large, as in Choice(1000, 10_000)."
            raise SettingError(must_be("Grow by", "parameters of at least two options", self.by, advice))
        return [{name: _grown(space, name, i, count) for name in self.by} for i in range(count)]


def _grown(space: Space, name: str, index: int, count: int) -> Any:
    """Return the value of a growing parameter in one of ``count`` stages."""
    domain = space[name]
    if isinstance(domain, Choice):
        return domain.kept[min(index, len(domain.kept) - 1)]
    return domain.from_unit(index / (count - 1))


@dataclass
class _Growth:
    """The stage that a search is in: its space, its trials, and the settings that it begins with.

    Args:
        space: of the study.
        by: the parameters that grow.
        settings: the settings that each stage begins with, the best first.
        batch_size: of each batch but the first.
        total: the number of trials of all stages.
        rng: for all draws.
    """

    space: Space
    by: tuple[str, ...]
    settings: list[Params]
    batch_size: int
    total: int
    rng: np.random.Generator
    ended: list[Trial] = field(default_factory=list, init=False)
    done: int = field(default=0, init=False)

    def begin(self, stage: str, size: Params) -> None:
        """Begin the next stage; the best settings of the one before come first in it."""
        ranked = self._ranked(_KEEP)
        self.stage, self.size = stage, size
        self.problem = _fix(self.space, size)
        found = {params_key(params): params for params in map(self._resized, [*ranked, *self.settings])}
        self.centres = list(found.values())[:_KEEP]
        # Until the stage has values of its own, its model learns from those of the stage before.
        self.before = [replace(trial, params=self._resized(trial.params)) for trial in self.ended]
        self.model, self.ended = CandidateModel(), []

    def describe_start(self) -> str:
        """Return a sentence on the setting that the stage begins with, with a space before it; empty without one."""
        first = {name: value for name, value in next(iter(self.centres), {}).items() if name not in self.by}
        return f" It begins with {_describe(self.space, first)}." if first else ""

    def fill(self, count: int, draws: int) -> Search:
        """Yield points that fill the space, again while all of their values are equal."""
        for draw in range(draws):
            points = first_points(self.problem, count, draw == 0, self.rng)
            points = [*self.centres[:count], *points][:count] if draw == 0 else points
            yield from self._run(points)
            values = {trial.value for trial in self.ended if trial.ok}
            if len(values) > 1:
                return
            what = f"all {len(self.ended)} trials have the value {min(values):.4g}" if values else "no trial has a value"
            after = "More settings are drawn." if draw < draws - 1 else "Take wider ranges, or value='cost'."
            yield Batch((), self.stage, note=f"No signal: {what}. {after}")

    def refine(self, count: int) -> Search:
        """Yield the settings that the stage begins with, and then points around the best."""
        while (left := count - len(self.ended)) > 0:
            points = self.centres[:left] if not self.ended else []
            yield from self._run([*points, *self._around(min(left, self.batch_size) - len(points), points)])

    def _run(self, points: Sequence[Params]) -> Search:
        trials = yield Batch([Proposal(params) for params in points], self.stage, self.problem)
        self.ended += trials
        self.done += len(trials)

    def _around(self, count: int, begun: Sequence[Params]) -> Iterator[Params]:
        """Yield the most promising of points drawn around the best; those that were tried are left out where others are."""
        width = _FIRST_WIDTH * (_LAST_WIDTH / _FIRST_WIDTH) ** min(self.done / self.total, 1.0)
        centres = self._ranked(_KEEP) or self.centres
        own = any(trial.ok for trial in self.ended)
        chooser = self.model.begin_batch(self.problem, self.ended if own else self.before)
        tried = {params_key(params) for params in (*begun, *(trial.params for trial in self.ended))}
        yield from draw_around(chooser, self.problem, centres, width, count, tried, self.rng)

    def _ranked(self, count: int) -> list[Params]:
        """Return the best settings of the stage, by a model that smooths the noise of its trials."""
        found = {params_key(trial.params): trial.params for trial in self.ended if trial.ok}
        chooser = CandidateModel().begin_batch(self.problem, self.ended) if found else None
        return chooser.rank(list(found.values()))[:count] if chooser else []

    def _resized(self, params: Mapping[str, Any]) -> Params:
        """Return a setting for the size of this stage; what it leaves out there is drawn."""
        searched = {name: value for name, value in params.items() if name not in self.by}
        resized = self.problem.complete(self.size | searched, self.rng)
        return {name: resized[name] for name in self.problem if name in resized and self.problem.active(name, resized)}


def _fix(space: Space, size: Mapping[str, Any]) -> Space:
    """Return the space with some parameters at one value."""
    for name, value in size.items():
        domain = space[name]
        if isinstance(domain, Choice):
            keep = domain.text(value)
            space = space.drop(name, [label for label in domain.labels if label not in (keep, *domain.dropped)])
        else:
            space = space.with_domains({name: replace(domain, low=value, high=value)})
    return space


def _describe(space: Space, size: Mapping[str, Any]) -> str:
    texts = {n: f"{value:.4g}" if isinstance(value, float) else space[n].text(value) for n, value in size.items()}
    return ", ".join(f"{name} {text}" for name, text in texts.items())
