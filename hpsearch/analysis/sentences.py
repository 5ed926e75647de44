"""Sentences for the conclusions of a study, shared by the terminal, the MLflow pages and the HTML report."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hpsearch.analysis.conclusions import Conclusions
from hpsearch.analysis.edges import Edge
from hpsearch.analysis.expected_gain import MANY, SHARE, ExpectedGain
from hpsearch.analysis.importance import MOST_NAMES
from hpsearch.analysis.lead import LEVEL, Lead, critical_value
from hpsearch.analysis.optimism import Noise, error_of_difference
from hpsearch.ports import EarlierIdentity
from hpsearch.trial import Candidate, Trial, flip_sign, format_spread, format_value
from hpsearch.trial.formatting import count, number_ranges

# An interaction below this share of the variance is not worth a sentence: chance produces as much.
WORTH = 0.1


def _number(trial: Trial) -> str:
    return f"trial {trial.number}"


@dataclass(frozen=True)
class Style:
    """How a renderer writes what a sentence names; the default is plain text.

    Args:
        text: any text or value that comes from the study.
        trial: the name of a trial.
        parameter: the name of a parameter to look at.
        command: a command line to copy.
    """

    text: Callable[[object], str] = str
    trial: Callable[[Trial], str] = _number
    parameter: Callable[[str], str] = str
    command: Callable[[str], str] = str


PLAIN = Style()


def command(verb: str, name: str, *arguments: str) -> str:
    """Return a command line on a recorded study.

    >>> command("rerun", "my study", "3")
    "hpsearch rerun 'my study' 3"
    """
    return shlex.join(["hpsearch", verb, *(["--"] if name.startswith("-") else []), name, *arguments])


def describe_result(conclusions: Conclusions, style: Style = PLAIN, running: bool = False) -> str:
    """Return the result in one line without a full stop: what was best, and in which trial."""
    findings, chosen = conclusions.findings, conclusions.chosen
    if chosen is None:
        return "No trial finished with a value" if findings.trials and not running else "No result yet"
    value = describe_value(chosen, findings.maximize)
    return f"Best {style.text(findings.measure)} {value} in {style.trial(chosen.trials[0])}"


def describe_baseline(conclusions: Conclusions, style: Style = PLAIN) -> Iterator[str]:
    """Say where no trial beats the trivial answer."""
    found = conclusions.unbeaten
    if found is not None:
        value = f"{style.text(conclusions.findings.measure)} {format_value(found.value)}"
        yield f"No trial is better than {style.text(found.rule)} ({value})."


def describe_value(candidate: Candidate, maximize: bool) -> str:
    """Return the value of a setting, and over how many seeds it is a mean."""
    seeds = f" (mean ± standard error over {len(candidate.trials)} seeds)" if len(candidate.trials) > 1 else ""
    return format_spread(candidate, maximize) + seeds


def describe_confidence(conclusions: Conclusions, style: Style = PLAIN) -> Iterator[str]:
    """Say how sure it is that the chosen setting is the best one tried."""
    chosen, ahead = conclusions.chosen, conclusions.lead
    if chosen is None:
        return
    yield from describe_earlier(conclusions.findings.earlier)
    if ahead is None:
        yield "There is no other setting to compare with."
        return
    if len(chosen.trials) > 1:
        values = sorted(flip_sign(trial.value, conclusions.findings.maximize) for trial in chosen.trials)
        yield f"Its {len(values)} runs lie between {format_value(values[0])} and {format_value(values[-1])}."
    elif not conclusions.replicated:
        yield "Every setting was run once" + (", so chance cannot be ruled out." if ahead.verdict == "unknown" else ".")
    yield f"{_runner_up(ahead, style)}{_verdict(ahead)}."
    if len(chosen.trials) > 1:
        lie = "lies" if ahead.near == 1 else "lie"
        yield f"{ahead.near} of {count(ahead.others, 'other setting')} {lie} within one standard error of it."
    elif not conclusions.replicated:
        yield "Set confirm=3 in the study and run it again to repeat the leaders under five fresh seeds each."


def describe_earlier(earlier: Sequence[EarlierIdentity]) -> Iterator[str]:
    """Say which trials were run by an objective that has changed since, with the user's consent."""
    for change in earlier:
        trials, was = ("Trial", "was") if len(change.trials) == 1 else ("Trials", "were")
        yield f"{trials} {number_ranges(change.trials)} {was} run by an earlier objective."


def _runner_up(ahead: Lead, style: Style) -> str:
    name, size = style.trial(ahead.runner_up.trials[0]), format_value(abs(ahead.difference))
    if ahead.verdict != "unknown":
        size += f" ± {ahead.standard_error:.2g}"
    if ahead.difference == 0:
        more = f", as {'is' if ahead.tied == 2 else 'are'} {ahead.tied - 1} more" if ahead.tied > 1 else ""
        return f"The runner-up, {name}, is level{more}"
    if ahead.difference < 0:
        return f"The lowest mean is that of {name}, {size} ahead, but the study's rule prefers this setting"
    return f"The runner-up, {name}, is {size} behind"


def _verdict(ahead: Lead) -> str:
    if ahead.verdict == "unknown" or ahead.difference == 0:
        return ""
    rows = f", from shares counted on {ahead.rows} validation rows without the noise of the seed" if ahead.rows else ""
    clear = f"this is more than chance explains, at {100 * LEVEL:g} % confidence"
    return f" (difference ± standard error{rows}): {clear if ahead.verdict == 'clear' else 'this may be chance'}"


def describe_flattery(conclusions: Conclusions) -> Iterator[str]:
    """Say by how much the best value is expected to look too good."""
    found = conclusions.flattery
    if found is not None:
        side = "above" if conclusions.findings.maximize else "below"
        yield (
            f"The best value is expected to lie about {format_value(found.bias)} {side} what its setting is worth, because it"
            f" is the best of {found.settings} noisy ones ({_noise(found.noise)})."
        )


def _noise(noise: Noise) -> str:
    source = f"counted on {noise.rows} validation rows, without the noise of the seed" if noise.rows else "from the replicates"
    return f"standard deviation of one run {format_value(noise.deviation)}, {source}"


def describe_doubling(conclusions: Conclusions) -> Iterator[str]:
    """Say what as many trials again are expected to gain."""
    found = conclusions.doubling
    if found is not None:
        yield (
            f"Another {found.trials} trials are expected to improve the best value by {format_value(found.gain)}; the last"
            f" doubling improved it by {format_value(found.last)}. This holds for trials drawn at random; a strategy that"
            " learns may do better."
        )


def describe_gain(conclusions: Conclusions) -> Iterator[str]:
    """Say what the model expects the next trials to gain, and whether they are worth it."""
    found = conclusions.gain
    if found is None:
        return
    best = f"{format_value(found.best)}, what it expects of the best setting tried"
    if not found.many > 0:
        yield f"The model expects no improvement (from {best}): not worth going on{_budget(conclusions)}."
        return
    yield (
        f"The model expects the next {MANY} trials to improve the best value by {found.many:.2g} (from {best}), and the next"
        f" one by {found.one:.2g}: {'worth' if found.worth else 'not worth'} going on{_budget(conclusions)}, {_least(found)}."
        " This is the model's own belief, within the ranges searched."
    )


def _budget(conclusions: Conclusions) -> str:
    model = conclusions.model
    return f" at budget {model.budget}" if not isinstance(model, str) and model.budget is not None else ""


def _least(found: ExpectedGain) -> str:
    side = "at least" if found.worth else "less than"
    if found.noise is None:
        return f"as it is {side} {SHARE:.0%} of the distance between the median and the best value"
    return f"as it is {side} the standard deviation of one run, {found.noise.deviation:.2g}"


def describe_failures(conclusions: Conclusions, style: Style = PLAIN) -> Iterator[str]:
    """Say how many trials failed and why the first one did."""
    failed = [trial for failure in conclusions.failures for trial in failure.trials]
    if not failed:
        return
    kinds: Counter[str] = Counter()
    for failure in conclusions.failures:
        kinds[failure.kind] += len(failure.trials)
    listed = ", ".join(f"{number} {style.text(kind)}" for kind, number in kinds.items())
    first = min(failed, key=lambda trial: trial.number)
    why = style.text(first.error or "no reason is known").rstrip(".")
    rerun = style.command(command("rerun", conclusions.findings.name, str(first.number)))
    yield (
        f"Look into failures: {len(failed)} of {count(len(conclusions.findings.trials), 'trial')} returned no value ({listed})."
        f" The first, {style.trial(first)}: {why}. {rerun} runs it again."
    )


def list_failures(conclusions: Conclusions) -> list[str]:
    """Return one line per kind of failure, with how often it happened and to which trial first."""
    lines = [f"{len(f.trials)} {f.kind} (first: trial {f.trials[0].number}): {f.reason}" for f in conclusions.failures]
    stopped = conclusions.stopped
    return lines + [f"{len(stopped)} stopped early (first: trial {t.number}): its curve lagged" for t in stopped[:1]]


def describe_edges(conclusions: Conclusions, style: Style = PLAIN) -> Iterator[str]:
    """Say which ranges to widen, and to what."""
    for edge in conclusions.edges:
        yield _widen(edge, style)


def _widen(edge: Edge, style: Style) -> str:
    low, high = edge.searched.low, edge.searched.high
    end = f"at the {'lower' if edge.side == 'low' else 'upper'} end of" if low <= edge.value <= high else "beyond"
    scale = ", log scale" if edge.wider.log else ""
    sense = "" if any(edge.searched.free) else ", if values there make sense"
    return (
        f"Widen {style.parameter(edge.name)}: the best value {style.text(format_value(edge.value))} lies {end} {low:g} to"
        f" {high:g}; search {edge.wider.low:g} to {edge.wider.high:g}{scale}{sense}."
    )


def describe_fault(conclusions: Conclusions, style: Style = PLAIN) -> Iterator[str]:
    """Say what the curves of the best trial show, where they show a fault."""
    best, fault = conclusions.findings.chosen, conclusions.fault
    if best is not None and fault is not None:
        yield f"Read the curves of {style.trial(best)}: {style.text(fault)}"


def describe_curves(conclusions: Conclusions) -> Iterator[str]:
    """Say what the curves of the best trial show, and how often each diagnosis was made."""
    best, found = conclusions.findings.chosen, conclusions.diagnoses
    if not found.counts:
        yield "No trial has curves of a cost over the epochs (training_cost, validation_cost)."
        return
    if best is not None and conclusions.diagnosis is not None:
        yield f"The best trial, {best.number}: {conclusions.diagnosis}"
    kinds = ", ".join(f"{label} {number}" for label, number in found.counts.items())
    part = f", the best and an even sample of the {found.sampled_from} that have some" if found.sampled_from else ""
    yield f"Of the curves of {count(sum(found.counts.values()), 'trial')}{part}: {kinds}."


def describe_next(conclusions: Conclusions, style: Style = PLAIN, running: bool = False) -> Iterator[str]:
    """Say what to do next, the most urgent first: look into failures, widen ranges, read curves."""
    if conclusions.findings.searching or not running:  # a failed check matters only where it ended the study
        yield from describe_failures(conclusions, style)
    yield from describe_edges(conclusions, style)
    yield from describe_fault(conclusions, style)


def describe_interactions(conclusions: Conclusions) -> Iterator[str]:
    """Say which parameters act together."""
    found = conclusions.interactions
    if isinstance(found, str):
        yield found
        return
    joint = {pair: share for pair, share in found.items() if share >= WORTH}
    for (first, second), share in joint.items():
        yield (
            f"{first} and {second} act together: {share:.0%} of the differences between trials come from how they are"
            " combined. Search them together."
        )
    if not joint:
        yield f"No two parameters act together: no pair explains {WORTH:.0%} more than both do separately."
    names = {name for pair in found for name in pair}
    if len(names) == MOST_NAMES < len(conclusions.findings.space):
        yield f"Pairs were looked for among the {MOST_NAMES} parameters that the trials' ranks follow most closely."


def describe_test_error(conclusions: Conclusions, scores: Mapping[str, float]) -> str:
    """Return how much better the best setting looked than it is on the test part, and whether that may be chance.

    Empty where the two cannot be compared.
    """
    chosen, findings = conclusions.chosen, conclusions.findings
    if chosen is not None and findings.measure != "validation error":
        return _describe_test_score(chosen, findings.measure, findings.maximize, scores)
    if chosen is None or "test_error" not in scores:
        return ""
    seen, true = chosen.mean, scores["test_error"]
    size, side = format_value(abs(true - seen)), "better" if true >= seen else "worse"
    if not (findings.rows and findings.test_rows):
        looked = f"the best setting looked {size} {side} than it is"
        return f"Validation error {format_value(seen)}, test error {format_value(true)}: {looked}."
    error = error_of_difference(seen, findings.rows, true, findings.test_rows)
    clear = abs(true - seen) > critical_value(math.inf) * error
    verdict = f"this is more than chance explains, at {100 * LEVEL:g} % confidence" if clear else "this may be chance"
    return (
        f"Validation error {format_value(seen)} ({findings.rows} rows), test error {format_value(true)} ({findings.test_rows}"
        f" rows): the best setting looked {size} ± {error:.2g} {side} than it is (difference ± standard error): {verdict}."
    )


def _describe_test_score(chosen: Candidate, measure: str, maximize: bool, scores: Mapping[str, float]) -> str:
    """Return how much better the best setting looked by a score than it is on the test part; empty for any other value."""
    name = measure.rpartition(" ")[2]
    if f"test_{name}" not in scores or measure not in (f"validation {name}", f"cross-validation {name}") or not maximize:
        return ""
    seen, true = flip_sign(chosen.mean, maximize), scores[f"test_{name}"]
    looked = f"the best setting looked {format_value(abs(seen - true))} {'better' if seen >= true else 'worse'} than it is"
    return f"{measure[:1].upper()}{measure[1:]} {format_value(seen)}, test {name} {format_value(true)}: {looked}."
