"""Staged search, coarse to fine: a wide look first, then ranges that close in on the best trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from hpsearch.analysis.evidence import worse_options
from hpsearch.checks import integer
from hpsearch.errors import SettingError, must_be
from hpsearch.ports import Batch, Proposal, Search, StrategyBase
from hpsearch.space import Choice, Params, Space
from hpsearch.trial import Trial, best

# The coarse stage's share of all trials, and the chance that a fine trial draws a range anew instead of keeping its leader's
# value: measured on ten BBOB functions in five dimensions; both optima are flat.
_COARSE = 0.2
_ANEW = 0.6
# Trials for which the strategy makes sense at all, per stage.
_FEWEST = 4


@dataclass(frozen=True)
class Staged(StrategyBase):
    """Search coarsely over the whole space, then finer and finer around the best trials.

    The coarse stage is one batch that cuts every range into as many equal slices as it has trials and tries each slice once;
    its evidence may drop options of a choice (see `hpsearch.analysis.evidence`). Each later trial starts from one of the
    ``keep`` best trials so far, the best one half of the time, the next one a quarter, and so on, and draws some of its
    parameters anew, from a window around that trial that is ``width`` of the range wide. The windows shrink from batch to
    batch. Where the best trials lie at an end of a range that is not hard (see `Float`), the range moves and widens
    instead: up to ``reach`` steps (a decade of a Float, a doubling of an Int, half the width of a linear range) beyond the
    first one. Every batch carries its narrowed space.

    Args:
        trials: how many trials in all.
        stages: how many stages (coarse, fine, finer, finer-2, ...), or how many trials each has.
        keep: how many of the best trials the ranges are narrowed around.
        epochs: the budget of the last stage, of which each earlier one has half as much as the next; or the budget of
            each stage; None leaves it to the objective. Where it rises, the leaders are trained again, since only
            trials of equal budget are compared.
        width: share of a range that the windows have first and last.
        batch_size: how many trials run side by side in a fine stage; smaller ones follow the best trials more closely.
        reach: how many steps beyond its first range a parameter may move; 0 keeps all ranges.
        preflight: whether the objective's own checks come first, where it has any (`TrainNetwork` does): a bug ends the
            study with a sentence, and a learning rate without a range gets one. Their trials come on top of ``trials``.

    Known value: on ten BBOB functions (5-D, the median of 20 seeds each) 96 trials find in about 43 what random search finds
    in 256. Sources: the seven steps of the Stanford course CS231n; redrawing a part of the coordinates around the best
    point is due to Tolson and Shoemaker (2007), Water Resources Research 43.
    """

    trials: int | None = None
    stages: int | tuple[int, ...] = 3
    keep: int | None = None
    epochs: int | tuple[int, ...] | None = None
    width: tuple[float, float] = (0.5, 0.1)
    batch_size: int = 8
    reach: int = 3
    preflight: bool = True

    def __post_init__(self) -> None:
        self._check_stages()
        for name, least, example in (("batch_size", 1, 8), ("reach", 0, 3)):
            integer(f"Staged {name}", getattr(self, name), least, f"Try {example}.")
        self._check_keep()
        self._check_epochs()
        first, last = self.width if isinstance(self.width, tuple) and len(self.width) == 2 else (0.0, 0.0)
        if not 0 < last <= first <= 1:
            raise SettingError(must_be("Staged width", "two falling shares in (0, 1]", self.width, "Try (0.5, 0.1)."))

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many trials each stage has; 96 in three stages are 19, 39 and 38."""
        if isinstance(self.stages, tuple):
            return self.stages
        total, later = self.trials or 0, self.stages - 1
        coarse = max(round(_COARSE * total), _FEWEST)
        share, rest = divmod(total - coarse, later)
        return (coarse, *(share + (i < rest) for i in range(later)))

    @property
    def names(self) -> tuple[str, ...]:
        """What the stages are called."""
        later = len(self.sizes) - 3
        return ("coarse", "fine", "finer", *(f"finer-{i + 2}" for i in range(later)))[: len(self.sizes)]

    @property
    def budgets(self) -> tuple[int | None, ...]:
        """The epochs of each stage."""
        count = len(self.sizes)
        if isinstance(self.epochs, int):
            return tuple(max(self.epochs // 2 ** (count - 1 - i), 1) for i in range(count))
        return (None,) * count if self.epochs is None else self.epochs

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield the coarse stage as one batch, the later ones in small batches, each around the best trials so far."""
        view = _View(space, space.extend(self.reach), self.keep or 1, [t for t in known if space.contains(t.params)])
        after = 0
        for name, size, budget in zip(self.names, self.sizes, self.budgets, strict=True):
            view.open(budget)
            while (left := size - len(view.stage)) > 0:
                if name == "coarse":
                    batch = Batch([Proposal(p, budget) for p in _sliced(space, size, rng)], name, space)
                else:
                    count = min(left, self.batch_size)
                    batch = view.batch(name, count, self._width(after), rng)
                    after += count
                view.told((yield batch))
            if not best(view.stage):
                yield Batch((), name, note=_nothing_finished(name, view.stage))
                return
            if name == "coarse":
                view.drop_worse_options()

    def _width(self, after: int) -> float:
        """Return the width of the windows after so many trials of the later stages: falling geometrically."""
        first, last = self.width
        return float(first * (last / first) ** (after / sum(self.sizes[1:])))

    def _check_stages(self) -> None:
        if isinstance(self.stages, (tuple, list)):
            object.__setattr__(self, "stages", tuple(self.stages))
            for size in self.sizes:
                integer("Staged stages", size, 1, "Give the trials of each stage, as in (20, 40, 40).")
        else:
            integer("Staged stages", self.stages, 2, "Try 3.")
        count = len(self.stages) if isinstance(self.stages, tuple) else self.stages
        if count < 2:
            raise SettingError(must_be("Staged stages", "two at least", self.stages, "Take Random for one stage."))
        given = sum(self.stages) if isinstance(self.stages, tuple) else 96
        object.__setattr__(self, "trials", given if self.trials is None else self.trials)
        integer(
            "Staged trials", self.trials, _FEWEST * count, f"Its {count} stages need {_FEWEST} each; take Random for so few."
        )
        if isinstance(self.stages, tuple) and self.trials != given:
            advice = "Leave trials out where stages gives the sizes."
            raise SettingError(must_be("Staged trials", f"the sum of its stages, {given}", self.trials, advice))

    def _check_keep(self) -> None:
        smallest = min(self.sizes)
        object.__setattr__(self, "keep", min(4, smallest) if self.keep is None else self.keep)
        integer("Staged keep", self.keep, 1, "Try 4.")
        if self.keep is not None and self.keep > smallest:
            constraint = f"at most {smallest}, the trials of the smallest stage"
            raise SettingError(must_be("Staged keep", constraint, self.keep, "Try 4."))

    def _check_epochs(self) -> None:
        if isinstance(self.epochs, list):
            object.__setattr__(self, "epochs", tuple(self.epochs))
        for epochs in self.epochs if isinstance(self.epochs, tuple) else (self.epochs,):
            if epochs is not None:
                integer("Staged epochs", epochs, 1, "Try 20, or one number per stage.")
        if isinstance(self.epochs, tuple) and len(self.epochs) != len(self.sizes):
            advice = "Give one number for the last stage alone, or one for each."
            raise SettingError(must_be("Staged epochs", f"{len(self.sizes)} numbers, one per stage", self.epochs, advice))
        if isinstance(self.epochs, tuple) and any(a > b for a, b in pairwise(self.epochs)):
            raise SettingError(must_be("Staged epochs", "rising from stage to stage", self.epochs, "Sort them."))


@dataclass
class _View:
    """What a staged search has seen, and how far it looks: its ground only grows, its windows shrink."""

    ground: Space
    limits: Space
    keep: int
    comparable: list[Trial]
    budget: int | None = None

    def open(self, budget: int | None) -> None:
        """Begin a stage; where its budget differs, the trials before serve only until it has leaders of its own."""
        self.stage: list[Trial] = []
        self.repeat = bool(self.comparable) and budget != self.budget
        self.before = self.leaders() if self.repeat else []
        self.comparable = [] if self.repeat else self.comparable
        self.budget = budget

    def told(self, trials: Sequence[Trial]) -> None:
        """Take in the trials of a batch."""
        self.stage += trials
        self.comparable += trials

    def leaders(self) -> list[Params]:
        """Return the best points of equal budget that are still on the ground, best first, each once."""
        ranked = [t.params for t in best(self.comparable, len(self.comparable)) if self.ground.contains(t.params)]
        found = list({_key(params): params for params in ranked}.values())[: self.keep]
        return found or self.before

    def batch(self, name: str, count: int, width: float, rng: np.random.Generator) -> Batch:
        """Return the next proposals: the leaders again where the budget has risen, then points around them."""
        leaders, old = self.leaders(), self.ground
        self.ground = old.widen(leaders, self.limits)
        window = self.ground.narrow(leaders, width)
        points = leaders[:count] if self.repeat else []
        tried = {_key(t.params) for t in self.comparable} | {_key(p) for p in points}
        points += self._around(leaders, window, width, count - len(points), tried, rng)
        self.repeat = False
        note = _narrowed(name, window) if not self.stage else _moved(old, self.ground)
        return Batch([Proposal(params, self.budget) for params in points], name, window, note)

    def drop_worse_options(self) -> None:
        """Leave out the options of choices that the stage's independent trials have shown to be worse."""
        for name, domain in self.ground.domains.items():
            if isinstance(domain, Choice):
                self.ground = self.ground.drop(name, list(worse_options(self.ground, name, self.stage)))

    def _around(
        self, leaders: list[Params], window: Space, width: float, count: int, tried: set[str], rng: np.random.Generator
    ) -> Iterator[Params]:
        """Yield points near leaders chosen by rank, new ones as far as a few attempts find any."""
        for _ in range(count):
            for _ in range(20):
                leader = leaders[min(int(rng.geometric(0.5)), len(leaders)) - 1]
                params = _redrawn(leader, self.ground.narrow([leader], width), window, width, rng)
                if _key(params) not in tried:
                    break
            tried.add(_key(params))
            yield params


def _sliced(space: Space, count: int, rng: np.random.Generator) -> list[Params]:
    """Return a Latin hypercube: every range cut into ``count`` equal slices, one point in each."""
    slices = np.array([rng.permutation(count) for _ in range(len(space))]).T
    points: list[list[float]] = ((slices + rng.random(slices.shape)) / count).tolist()
    return [space.from_unit(point) for point in points]


def _redrawn(leader: Params, near: Space, window: Space, width: float, rng: np.random.Generator) -> Params:
    """Return a leader with some parameters drawn anew: ranges from its own window, choices the rarer the smaller that is."""
    params: Params = {}
    for name, domain in near.domains.items():
        chance, u = rng.random(2).tolist()
        if near.active(name, params):
            if name not in leader:
                params[name] = window.domains[name].from_unit(u)
            elif chance < (width if isinstance(domain, Choice) else _ANEW):
                params[name] = domain.from_unit(u)
            else:
                params[name] = leader[name]
    return params


def _narrowed(name: str, window: Space) -> str:
    shown = [f"{key} {_span(domain)}" for key, domain in window.domains.items()]
    return f"Stage {name!r} begins with {', '.join(shown)}."


def _moved(old: Space, new: Space) -> str:
    """Say which ranges went beyond their ends."""
    moved = [name for name in new if old[name] != new[name]]
    shown = [f"the range of {name} from {_span(old[name])} to {_span(new[name])}" for name in moved]
    return f"The best trials lie at the edge: widened {', '.join(shown)}." if moved else ""


def _span(domain: Any) -> str:
    if isinstance(domain, Choice):
        return "in " + "/".join(label for label in domain.labels if label not in domain.dropped)
    return f"[{domain.low:.3g}, {domain.high:.3g}]"


def _nothing_finished(name: str, stage: Sequence[Trial]) -> str:
    first = next((t.error for t in stage if t.error), "none was given")
    return (
        f"All {len(stage)} trials of stage {name!r} failed, so there is nothing to narrow to and the search ends. "
        f"First error: {first.rstrip('.')}. Correct that, or begin with ranges in which some trials succeed."
    )


def _key(params: Mapping[str, Any]) -> str:
    return repr(sorted(params.items()))
