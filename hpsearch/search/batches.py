"""Batches around a strategy's own: settings tried first, replicates, the confirmation of the best settings; and their pieces.

Each is a generator of batches around another one, so that the whole remains one sequence that replays.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from hpsearch.ports import Batch, Proposal, Search
from hpsearch.space import Params
from hpsearch.trial import CONFIRM, GIVEN, PREFLIGHT, Outcome, Trial, candidates, rank_candidates


def try_first(first: Sequence[Params]) -> Generator[Batch, Sequence[Trial], Sequence[Trial]]:
    """Try the user's own settings before anything else; return their trials."""
    return (yield Batch([Proposal(dict(params)) for params in first], GIVEN))


def replicate(search: Search, count: int) -> Search:
    """Run every proposal ``count`` times under other seeds, and pass the strategy their average as one trial."""
    batch = next_batch(search, None)
    while batch is not None:
        proposals = [_with_replicate(p, r) for p in batch.proposals for r in range(count)]
        ended = yield replace(batch, proposals=proposals)
        batch = next_batch(search, [average(ended[i : i + count]) for i in range(0, len(ended), count)])


def confirm_best(search: Search, top: int, replicates: int) -> Search:
    """Yield from a search, then train its ``top`` best settings again under ``replicates`` fresh seeds each.

    The lowest of many noisy values flatters its params; a value from fresh seeds does not.
    """
    seen: list[Trial] = []
    space = None
    batch = next_batch(search, None)
    while batch is not None:
        space = batch.space or space  # the best settings may lie beyond the first ranges where the search moved them
        trials = yield batch
        seen += trials
        batch = next_batch(search, trials)
    best = rank_candidates(candidates(seen))[:top]
    asked = [Proposal(c.params, c.budget, replicate=r) for c in best for r in range(1, replicates + 1)]
    if asked:
        yield Batch(asked, CONFIRM, space)


def in_pieces(batch: Batch, size: int) -> list[Batch]:
    """Return a batch as batches of at most ``size`` proposals, which run one after the other; the strategy gets them as one.

    A batch that continues earlier trials, one of pre-flight checks and the confirmation stay whole.
    """
    proposals = list(batch.proposals)
    continues = any(proposal.continues is not None for proposal in proposals)
    if continues or len(proposals) <= size or batch.stage.startswith((PREFLIGHT, CONFIRM)):
        return [batch]
    pieces = [replace(batch, proposals=proposals[first : first + size], note="") for first in range(0, len(proposals), size)]
    return [replace(pieces[0], note=batch.note), *pieces[1:]]


def average(trials: Sequence[Trial]) -> Trial:
    """Return one trial that stands for the replicates of one setting: means, or the first failure."""
    failed = next((trial for trial in trials if not trial.ok), None)
    if failed is not None:
        return failed
    outcomes = [trial.outcome for trial in trials if trial.outcome is not None]
    names = [name for name in outcomes[0].metrics if all(name in outcome.metrics for outcome in outcomes)]
    metrics = {name: sum(outcome.metrics[name] for outcome in outcomes) / len(outcomes) for name in names}
    value = sum(outcome.value for outcome in outcomes) / len(outcomes)
    return replace(trials[0], outcome=Outcome(value, metrics, outcomes[0].history, times=outcomes[0].times))


def _with_replicate(proposal: Proposal, replicate: int) -> Proposal:
    """Return the proposal for one replicate; replicates of one setting stand side by side, so they continue side by side."""
    continues = None if proposal.continues is None else proposal.continues + replicate
    return replace(proposal, replicate=replicate, continues=continues)


def next_batch(search: Search, trials: Sequence[Trial] | None) -> Batch | None:
    """Return the next batch, or None at the end; None as trials starts the search."""
    try:
        return next(search) if trials is None else search.send(trials)
    except StopIteration:
        return None
