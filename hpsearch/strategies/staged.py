"""Staged search, coarse to fine: first the whole space, then narrower windows around the best trials."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from hpsearch.analysis.evidence import worse_options
from hpsearch.checks import integer
from hpsearch.errors import SettingError, must_be
from hpsearch.ports import Batch, Proposal, Search, StrategyBase
from hpsearch.space import Choice, Params, Space
from hpsearch.space.equality import params_key
from hpsearch.strategies.candidate_model import CandidateModel, describe_failed_stage, draw_around
from hpsearch.strategies.starting_points import latin_hypercube, near_centre
from hpsearch.trial import Trial, best

# The coarse stage's share of all trials, measured on ten BBOB functions in five dimensions; the optimum is flat.
_COARSE = 0.2
# The smallest number of trials per stage.
_FEWEST = 4
# A fine trial is chosen by a model of at most so many trials: the best and the newest, half of each.
_MODELLED = 120


@dataclass(frozen=True)
class Staged(StrategyBase):
    """Search coarsely over the whole space, then finer and finer around the best trials.

    The coarse stage is one batch: a point near the centre of the space, and one trial in each of equal slices of every range.
    Its results may drop options of a choice (see `hpsearch.analysis.evidence`). Each later trial is the most promising of a
    few dozen candidates, by a Gaussian process that is fitted to the trials of equal budget (see `hpsearch.surrogate`). A
    candidate starts from one of the ``keep`` best trials so far: from the best with probability 1/2, from the next with 1/4,
    and so on. It redraws some of the parameters, from a window around that trial that is ``width`` of the range wide. The
    windows shrink from batch to batch. If the best trials lie at an end of a range that is not hard (see `Float`), the range
    widens: up to ``reach`` steps (a decade of a Float, a doubling of an Int, half the width of a linear range) beyond the first
    range. Every batch has its narrowed space.

    Args:
        trials: the number of trials in all.
        stages: the number of stages (coarse, fine, finer, finer-2, ...), or the number of trials of each.
        keep: the number of best trials around which the ranges are narrowed.
        epochs: the budget of the last stage, where each earlier stage has half the budget of the next; or the budget of
            each stage. None leaves it to the objective. If the budget rises, the best settings are trained again, since
            only trials of equal budget are compared.
        width: the width of the first and of the last window, as a share of the range.
        batch_size: the number of trials in a batch of a fine stage; smaller batches follow the best trials more closely.
        reach: how many steps beyond its first range a parameter may move; 0 keeps all ranges.
        preflight: whether the objective's pre-flight checks run first, if it has any (`TrainNetwork` does). A bug ends the
            study with a sentence, and a learning rate without a range gets one. Their trials are not part of ``trials``.

    Known value: 96 trials reach after about 30 what random search reaches after 256 on ten BBOB functions in five dimensions,
    and after about 38 on seven tables of networks (medians of 10 seeds; tests/benchmarks/search.py). Sources: the seven steps
    of the Stanford course CS231n; redrawing a part of the coordinates around the best point follows Tolson and Shoemaker
    (2007), Water Resources Research 43.
    """

    trials: int | None = None
    stages: int | tuple[int, ...] = 3
    keep: int | None = None
    epochs: int | tuple[int, ...] | None = None
    width: tuple[float, float] = (0.5, 0.1)
    batch_size: int = 8
    reach: int = 3
    preflight: bool = True

    # Version 1 had no centre in the coarse stage, and no model: each fine trial was the first point drawn that was new.
    version: ClassVar[int] = 2

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
        """The number of trials of each stage; 96 in three stages are 19, 39 and 38."""
        if isinstance(self.stages, tuple):
            return self.stages
        total, later = self.trials or 0, self.stages - 1
        coarse = max(round(_COARSE * total), _FEWEST)
        share, rest = divmod(total - coarse, later)
        return (coarse, *(share + (i < rest) for i in range(later)))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the stages."""
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
        """Yield the coarse stage as one batch, then small batches around the best trials so far."""
        progress = _Progress(space, space.extend(self.reach), self.keep or 1, [t for t in known if space.contains(t.params)])
        after = 0
        for name, size, budget in zip(self.names, self.sizes, self.budgets, strict=True):
            progress.begin_stage(budget)
            while (left := size - len(progress.stage)) > 0:
                if name == "coarse":
                    batch = Batch([Proposal(p, budget) for p in _coarse_points(space, size, rng)], name, space)
                else:
                    count = min(left, self.batch_size)
                    batch = progress.next_batch(name, count, self._width(after), rng)
                    after += count
                progress.add_trials((yield batch))
            if not best(progress.stage):
                yield Batch((), name, note=describe_failed_stage(name, progress.stage))
                return
            if name == "coarse":
                progress.drop_worse_options()

    def _width(self, after: int) -> float:
        """Return the width of the windows after so many trials of the later stages; it falls geometrically."""
        first, last = self.width
        return float(first * (last / first) ** (after / sum(self.sizes[1:])))

    def _check_stages(self) -> None:
        if isinstance(self.stages, (tuple, list)):
            object.__setattr__(self, "stages", tuple(self.stages))
            for size in self.sizes:
                integer("Staged stages", size, 1, "Pass the trials of each stage, as in (20, 40, 40).")
        else:
            integer("Staged stages", self.stages, 2, "Try 3.")
        count = len(self.stages) if isinstance(self.stages, tuple) else self.stages
        if count < 2:
            raise SettingError(must_be("Staged stages", "at least two", self.stages, "Use Random for one stage."))
        given = sum(self.stages) if isinstance(self.stages, tuple) else 96
        object.__setattr__(self, "trials", given if self.trials is None else self.trials)
        integer(
            "Staged trials", self.trials, _FEWEST * count, f"Each of its {count} stages needs {_FEWEST}; use Random for fewer."
        )
        if isinstance(self.stages, tuple) and self.trials != given:
            advice = "Leave trials out if stages has the sizes."
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
            advice = "Pass one number for the last stage alone, or one for each."
            raise SettingError(must_be("Staged epochs", f"{len(self.sizes)} numbers, one per stage", self.epochs, advice))
        if isinstance(self.epochs, tuple) and any(a > b for a, b in pairwise(self.epochs)):
            raise SettingError(must_be("Staged epochs", "rising from stage to stage", self.epochs, "Sort them."))


@dataclass
class _Progress:
    """The state of a staged search: its space, which only grows, and the trials of equal budget.

    Each trial is ranked once, so that a batch takes the same time at the end of a long search as at its beginning.

    Args:
        space: the ranges so far.
        limits: the widest ranges.
        keep: how many best points the windows are laid around.
        comparable: known trials, of which those count that are comparable.
    """

    space: Space
    limits: Space
    keep: int
    comparable: InitVar[Sequence[Trial]]
    budget: int | None = None
    ranked: list[Trial] = field(default_factory=list, init=False)
    ended: list[Trial] = field(default_factory=list, init=False)
    tried: set[str] = field(default_factory=set, init=False)
    model: CandidateModel = field(default_factory=CandidateModel, init=False)

    def __post_init__(self, comparable: Sequence[Trial]) -> None:
        self._rank(comparable)

    def begin_stage(self, budget: int | None) -> None:
        """Begin a stage; if its budget differs, earlier trials count only until the stage has finished trials of its own."""
        self.stage: list[Trial] = []
        self.repeat = bool(self.tried) and budget != self.budget
        self.before = self.best_points() if self.repeat else []
        self.before_ended = self._modelled() if self.repeat else []
        if self.repeat:
            self.ranked, self.ended, self.tried = [], [], set()
        self.budget = budget

    def add_trials(self, trials: Sequence[Trial]) -> None:
        """Add the trials of a batch."""
        self.stage += trials
        self._rank(trials)

    def _rank(self, trials: Sequence[Trial]) -> None:
        """Insert the finished trials among those so far, the best first; of equal ones the earlier number comes first."""
        self.tried |= {params_key(trial.params) for trial in trials}
        self.ended += trials
        for trial in best(trials, len(trials)):
            insort(self.ranked, trial, key=lambda one: (one.value, one.number))

    def best_points(self) -> list[Params]:
        """Return the best distinct points of equal budget that are still in the space, best first."""
        found: dict[str, Params] = {}
        for trial in self.ranked:
            if len(found) == self.keep:
                break
            if self.space.contains(trial.params):
                found.setdefault(params_key(trial.params), trial.params)
        return list(found.values()) or self.before

    def next_batch(self, name: str, count: int, width: float, rng: np.random.Generator) -> Batch:
        """Return the next proposals: after a rise of the budget the best points again, then points around them."""
        centres, old = self.best_points(), self.space
        self.space = old.widen(centres, self.limits)
        window = self.space.narrow(centres, width)
        points = centres[:count] if self.repeat else []
        tried = self.tried | {params_key(p) for p in points}
        chooser = self.model.begin_batch(self.space, self._modelled() if self.ranked else self.before_ended)
        points += draw_around(chooser, self.space, centres, width, count - len(points), tried, rng)
        self.repeat = False
        note = _describe_window(name, window) if not self.stage else _describe_widening(old, self.space)
        return Batch([Proposal(params, self.budget) for params in points], name, window, note)

    def drop_worse_options(self) -> None:
        """Drop the options of choices that are worse in the stage's independent trials: the first one, the centre, is not."""
        for name, domain in self.space.domains.items():
            if isinstance(domain, Choice):
                self.space = self.space.drop(name, list(worse_options(self.space, name, self.stage[1:])))

    def _modelled(self) -> list[Trial]:
        """Return the trials to learn from: the best and the newest of equal budget that are still in the space."""
        half = _MODELLED // 2
        chosen = {id(trial): trial for trial in (*self.ranked[:half], *self.ended[-half:])}
        return [trial for trial in chosen.values() if self.space.contains(trial.params)]


def _coarse_points(space: Space, count: int, rng: np.random.Generator) -> list[Params]:
    """Return a point near the centre, and a Latin hypercube."""
    points = [near_centre(space, rng), *(latin_hypercube(space, count - 1, rng) if count > 1 else [])]
    return [space.from_unit(point) for point in points]


def _describe_window(name: str, window: Space) -> str:
    texts = [f"{key} {_format_domain(domain)}" for key, domain in window.domains.items()]
    return f"Stage {name!r} begins with {', '.join(texts)}."


def _describe_widening(old: Space, new: Space) -> str:
    """Return a sentence that names the widened ranges, or an empty text."""
    widened = [name for name in new if old[name] != new[name]]
    texts = [f"the range of {name} from {_format_domain(old[name])} to {_format_domain(new[name])}" for name in widened]
    return f"The best trials lie at the edge: widened {', '.join(texts)}." if widened else ""


def _format_domain(domain: Any) -> str:
    if isinstance(domain, Choice):
        return "in " + "/".join(label for label in domain.labels if label not in domain.dropped)
    return f"[{domain.low:.3g}, {domain.high:.3g}]"
