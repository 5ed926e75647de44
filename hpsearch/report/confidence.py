"""How much a study's result is to be trusted, in sentences: flattery, the lead, and what more trials would bring."""

from __future__ import annotations

import math

import numpy as np

from hpsearch.analysis.lead import lead
from hpsearch.analysis.optimism import counting_noise, doubling, optimism, seed_noise
from hpsearch.search.result import Result
from hpsearch.trial import Candidate, candidates, format_value, rank_candidates

# The noise of a difference must be exceeded this many times before a lead is called more than luck (95 %, normal).
_CLEAR = 1.96


def trust(result: Result) -> list[str]:
    """Return what is known of the winner's flattery and lead, and of the worth of another doubling of the budget."""
    ranking = rank_candidates(candidates(result.trials))
    noise, source = _noise(result, ranking)
    said = [] if noise is None else [_flattery(result, ranking, noise, source), _lead(result, ranking, noise)]
    return [sentence for sentence in [*said, _more(result)] if sentence]


def _noise(result: Result, ranking: list[Candidate]) -> tuple[float | None, str]:
    """Return the standard deviation of one value, and where it is known from."""
    pooled = seed_noise(ranking)
    if pooled is not None:
        return pooled, "from the replicates"
    rows = _validation_rows(result)
    if not ranking or not rows or result.record.measure != "validation error":
        return None, ""
    counted = float(counting_noise([min(max(ranking[0].mean, 0.0), 1.0)], rows)[0])
    return counted, f"of a share counted on {rows} validation rows; the seed's noise comes on top"


def _validation_rows(result: Result) -> int:
    parts = result.record.data.parts if result.record.data is not None else ()
    return next((part.rows for part in parts if part.name == "validation" and part.rows > 1), 0)


def _flattery(result: Result, ranking: list[Candidate], noise: float, source: str) -> str:
    errors = [noise / math.sqrt(len(candidate.trials)) for candidate in ranking]
    rng = np.random.default_rng(np.random.SeedSequence(result.study.seed, spawn_key=(4,)))
    bias = optimism([candidate.mean for candidate in ranking], errors, rng)
    side = "above" if result.study.maximize else "below"
    return (
        f"The winner's value is expected to lie about {format_value(bias)} {side} what its setting is worth: it is the best of"
        f" {len(ranking)} noisy ones (one run varies by {format_value(noise)}, {source})."
    )


def _lead(result: Result, ranking: list[Candidate], noise: float) -> str:
    chosen = result.study.choose(result.trials)
    ahead = lead(chosen, ranking) if chosen is not None else None
    if chosen is None or ahead is None:
        return ""
    error = ahead.error
    if not math.isfinite(error):
        error = noise * math.sqrt(1 / len(chosen.trials) + 1 / len(ahead.runner_up.trials))
    verdict = "more than luck would give" if ahead.gap > _CLEAR * error else "no more than luck would give"
    number = ahead.runner_up.trials[0].number
    return (
        f"Its lead over the runner-up (trial {number}) is {format_value(ahead.gap)}, with a standard error"
        f" of {format_value(error)}: {verdict}."
    )


def _more(result: Result) -> str:
    values = [trial.value for trial in result.findings.finished]
    found = doubling(values) if values else None
    if found is None:
        return ""
    better = "higher" if result.study.maximize else "lower"
    return (
        f"Another {found.trials} trials are expected to bring {format_value(found.gain)} ({better}); the last doubling brought"
        f" {format_value(found.last)}. That holds for trials drawn at random; a strategy that learns may do better."
    )


def optimism_seen(result: Result, scores: dict[str, float]) -> str:
    """Return how much better the winner looked than it is on the test part; empty where the two differ in kind."""
    if result.record.measure != "validation error" or "test_error" not in scores:
        return ""
    seen, true = result.chosen.mean, scores["test_error"]
    word = "better" if true >= seen else "worse"
    looked = f"the winner looked {format_value(abs(true - seen))} {word} than it is"
    return f"Validation error {format_value(seen)}, test error {format_value(true)}: {looked}."
