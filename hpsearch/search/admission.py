"""Checks of a study before its first trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hpsearch.checks import boolean, integer, number, text
from hpsearch.errors import InputError, StudyError, did_you_mean, must_be
from hpsearch.execution.isolation import can_fork
from hpsearch.execution.local import Local
from hpsearch.ports import Batch, Executor
from hpsearch.search.config import ROWS, StudyConfig
from hpsearch.search.copies import is_our_frozen
from hpsearch.search.stopping import MedianStop, Stop
from hpsearch.space import Params, Space
from hpsearch.trial import Trial, check_rule

# Each trial sets these of an estimator itself.
_SET_BY_TRIALS = ("random_state", "n_jobs")


def check_parts(study: StudyConfig) -> None:
    """Raise an error for a part of the wrong kind, or a setting out of range."""
    if not isinstance(study.name, str) or not study.name.strip() or not study.name.isprintable() or len(study.name) > 200:
        constraint = "a printable text of 1 to 200 characters"
        raise StudyError(must_be("A study's name", constraint, study.name, "Name it as in 'mnist-random'."))
    if not isinstance(study.space, Space) or not len(study.space):
        raise StudyError(must_be("A study's space", "a Space with parameters", study.space, "Write Space(x=Float(0, 1))."))
    if not callable(study.objective) or isinstance(study.objective, type):
        advice = "Give f(params), or TrainNetwork(...)."
        raise StudyError(must_be("A study's objective", "callable", study.objective, advice))
    integer("A study's seed", study.seed, 0, "Try 0.", error=StudyError)
    boolean("A study's maximize", study.maximize, "Leave it out to minimise.", error=StudyError)
    text("A study's question", study.question, "Leave it out for the file's docstring.", error=StudyError)
    _check_extras(study)


def _check_extras(study: StudyConfig) -> None:
    for name, least in (("replicates", 1), ("confirm", 0), ("confirm_replicates", 2), ("retries", 0)):
        integer(f"A study's {name}", getattr(study, name), least, "Leave it out.", error=StudyError)
    for name in ("trial_seconds", "trial_megabytes"):
        limit = getattr(study, name)
        if limit is not None:
            number(f"A study's {name}", limit, 0.0, advice="Leave it out for no limit.", open_low=True, error=StudyError)
    if study.stop is not None and not isinstance(study.stop, Stop):
        raise StudyError(must_be("A study's stop", "a Stop", study.stop, "Write Stop(trials=100)."))
    if study.early_stop is not None and not isinstance(study.early_stop, MedianStop):
        advice = "Write MedianStop(curve='validation_cost')."
        raise StudyError(must_be("A study's early_stop", "a MedianStop", study.early_stop, advice))
    check_rule(study.select, study.space)
    for name, kind in (("first", Mapping), ("known", Trial)):
        given = getattr(study, name)
        if not isinstance(given, Sequence) or not all(isinstance(item, kind) for item in given):
            what = "params (dicts)" if name == "first" else "trials"
            raise StudyError(must_be(f"A study's {name}", f"a list of {what}", given, "Leave it out for none."))


def check_run(
    progress: object, tracker: object, source: object, flags: Mapping[str, object], choices: Mapping[str, object]
) -> None:
    """Raise an error for an argument of a run that is of the wrong kind, before anything is read or recorded.

    Args:
        progress: None, ``"auto"``, or something to call.
        tracker: None or a tracker.
        source: None or the path of a file.
        flags: arguments that are True or False, by name.
        choices: arguments that are True, False or None, by name.
    """
    for name, value in flags.items():
        boolean(name, value, "Leave it out for False.", error=StudyError)
    for name, value in choices.items():
        if value is not None:
            boolean(name, value, "Leave it out to let the study decide.", error=StudyError)
    automatic = isinstance(progress, str) and progress == "auto"
    if progress is not None and not automatic and not callable(progress):
        advice = "Leave it out, or pass None for no display, or a function that takes a Progress."
        raise StudyError(must_be("progress", "'auto', None or a function", progress, advice))
    methods = (getattr(tracker, name, None) for name in ("find", "start", "record", "finish"))
    if tracker is not None and (isinstance(tracker, type) or not all(map(callable, methods))):
        raise StudyError(must_be("tracker", "a tracker", tracker, "Leave it out, or write MlflowTracker() or MemoryTracker()."))
    if source is not None and not isinstance(source, Path):
        raise StudyError(must_be("source", "a Path", source, "Leave it out, or write Path('study.py')."))


def check_limits(study: StudyConfig, executor: Executor) -> None:
    """Raise an error for a memory limit where trials have no process of their own."""
    if study.trial_megabytes is None:
        return
    if isinstance(executor, Local) and not can_fork():
        raise StudyError("A study's trial_megabytes needs a system that can fork, which this one cannot. Leave it out.")
    if not executor.separate:
        given = executor.backend if isinstance(executor, Local) else executor
        advice = "Take backend='loky', or leave trial_megabytes out."
        raise StudyError(must_be("The backend of a study with trial_megabytes", "'loky'", given, advice))


def check_objective(study: StudyConfig) -> None:
    """Raise an error for what would make every trial fail: unknown or missing names, values that the objective rejects."""
    objective = study.adapted
    if study.maximize and objective.greater_is_better is False:
        advice = "Leave it out: the objective knows its direction."
        raise StudyError(must_be("A study's maximize", f"False for a {objective.measure}", True, advice))
    study.proposer.check(study.space)
    _check_resource(study)
    _check_curve(study)
    name, given = type(study.objective).__name__, [key for key, _ in study.space.declared]
    names = objective.parameters_in(study.space)
    accepted = given if names is None else names
    for key in given:
        if key not in accepted:
            if key.rpartition("__")[2] in _SET_BY_TRIALS:
                advice = "Leave it out: each trial sets it, from its own random numbers and the one core it has."
                raise StudyError(f"Parameter {key!r} of {name} cannot be searched. {advice}")
            known = ", ".join(map(repr, sorted(accepted)))
            raise StudyError(f"Unknown parameter {key!r} for {name}; it takes {known}.{did_you_mean(key, accepted)}")
    for key in sorted(objective.required):
        if key not in given:
            advice = f"Add {key}=Float(...) to the space, or give the objective {key}=."
            raise StudyError(must_be(f"Parameter {key!r} of {name}", "in the space or fixed", given, advice))
    _check_corners(study)


def _check_corners(study: StudyConfig) -> None:
    """Raise what the objective raises for a setting at an end of a range, or for an option; each check has its own objects."""
    own, _ = study.copies.of(study.adapted)
    for params in study.space.corners():
        fresh, resolved = study.copies.of(study.adapted, _resolved(study, params))
        # Our own checks write nothing, and CrossValidate keeps its first fold from one check to the next.
        (own if is_our_frozen(study.objective) else fresh).check(resolved)


def _check_curve(study: StudyConfig) -> None:
    """Raise an error where the objective declares its curves, and early_stop watches another one."""
    rule, curves = study.early_stop, study.adapted.curves
    if rule is None or curves is None or rule.curve in curves:
        return
    name = type(study.objective).__name__
    if not curves:
        advice = "Leave early_stop out: nothing could be stopped by it."
        raise StudyError(must_be("The objective of early_stop", "one that reports curves while it runs", name, advice))
    known = ", ".join(map(repr, sorted(curves)))
    what, advice = f"The curve of early_stop with {name}", f"Take one of these.{did_you_mean(rule.curve, curves)}"
    raise StudyError(must_be(what, f"one of {known}", rule.curve, advice))


def _check_resource(study: StudyConfig) -> None:
    """Raise an error where the objective cannot spend the strategy's resource, or is shorter than a budget in epochs."""
    if study.spends_rows:
        _check_rows(study)
    if study.proposer.resource != "epochs":
        return
    if "epochs" not in study.adapted.resources and study.adapted.takes_context:
        raise StudyError(_wrong_resource(study, "epochs"))
    if not study.adapted.takes_context:
        advice = "Write f(params, context) and heed context.budget, or take Halving(resource=...)."
        raise StudyError(must_be("An objective to halve", "one that takes a context", study.objective, advice))
    most, own = study.proposer.max_epochs or 0, study.adapted.epochs
    if own is not None and own < most and "epochs" not in study.space:
        advice = "Raise it: a schedule spans the whole training."
        raise StudyError(must_be("The objective's epochs", f"at least the strategy's max_epochs={most}", own, advice))


def _check_rows(study: StudyConfig) -> None:
    """Raise an error where the objective holds no rows, or cannot train on the smallest sample."""
    if study.adapted.training_rows is None:
        raise StudyError(_wrong_resource(study, ROWS))
    batch = next(study.proposer.search(study.space, np.random.default_rng(0)), Batch(()))
    own, _ = study.copies.of(study.adapted)
    for rows in {proposal.budget for proposal in batch.proposals if proposal.budget is not None}:
        # Here the order of the rows is made, once and before any worker gets the data.
        own.on_rows(rows, study.seed).check(_resolved(study, batch.proposals[0].params))


def _wrong_resource(study: StudyConfig, resource: str) -> str:
    """Return the sentence for an objective that cannot spend a resource; it names those that it can."""
    name, can = type(study.objective).__name__, [repr(one) for one in study.adapted.resources]
    what = f"The resource of {type(study.strategy).__name__} over {name}"
    advice = "Or give the space a parameter such as n=Int(10, 1000), and Halving(resource='n')."
    if not can:
        return must_be(what, "a parameter of the space, since it has neither epochs nor data", resource, f"G{advice[4:]}")
    return must_be(what, " or ".join(can), resource, f"Take resource={can[-1]}. {advice}")


def _resolved(study: StudyConfig, params: Params) -> Params:
    try:
        return study.space.resolve(params)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise StudyError(f"The space cannot fill in a template: {error} Change the template's ranges.") from error
