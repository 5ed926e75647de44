"""Points that a search proposes more than once, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hpsearch.ports import Batch, Proposal
from hpsearch.space.equality import params_key
from hpsearch.trial import CONFIRM, PREFLIGHT
from hpsearch.trial.formatting import count


@dataclass
class Repeats:
    """The points proposed so far, and how many proposals repeat one of them.

    A replicate, another budget, a trial that continues another one, a check and a confirmation are no repeats: they are meant.

    Args:
        complete: whether the strategy proposes points of its user's own, as a grid does.
        expected: how many trials the strategy will propose, where it says so; before that nothing is said.
    """

    complete: bool = False
    expected: int | None = None
    proposed: int = field(default=0, init=False)
    _points: set[tuple[object, ...]] = field(default_factory=set, init=False)
    _said: bool = field(default=False, init=False)

    def add(self, batch: Batch) -> str:
        """Take a batch; return one sentence where points are repeated and no more trials are expected; else an empty text."""
        points = list(_points(batch))
        self.proposed += len(points)
        self._points |= set(points)
        return self.sentence() if self.proposed >= (self.expected or 0) else ""

    def sentence(self) -> str:
        """Return one sentence where points were repeated and nothing was said so far; else an empty text."""
        if self._said or self.proposed == len(self._points):
            return ""
        self._said = True
        again = self.proposed - len(self._points)
        found = f"{count(self.proposed, 'trial')} have only {count(len(self._points), 'distinct point')}"
        advice = "Give each value of the grid once" if self.complete else "Grid() runs each point once"
        repeat = "1 runs a point again, under random numbers of its own"
        repeats = repeat if again == 1 else f"{again} run a point again, under random numbers of their own"
        return f"{found}: {repeats}. {advice}; replicates=2 runs every point twice."


def _points(batch: Batch) -> Iterable[tuple[object, ...]]:
    """Yield what tells the trials of a batch apart, where their points count."""
    if batch.stage == CONFIRM or batch.stage.startswith(PREFLIGHT):
        return
    for proposal in batch.proposals:
        if proposal.continues is None:
            yield _point(proposal)


def _point(proposal: Proposal) -> tuple[object, ...]:
    return (params_key(proposal.params), proposal.budget, proposal.replicate)
