"""The result of a study: its trials, the best of them, and the one opening of the test part."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpsearch.analysis.findings import Findings
from hpsearch.checks import integer
from hpsearch.content import html
from hpsearch.data.vault import open_test
from hpsearch.errors import HpsearchError, StudyError, must_be
from hpsearch.execution.task import own_objects, trial_context
from hpsearch.nn.plain_data import AnyNetwork, from_data
from hpsearch.nn.recurrent.network import RecurrentNetwork
from hpsearch.nn.recurrent.storage import KIND
from hpsearch.nn.recurrent.storage import from_data as recurrent_from_data
from hpsearch.nn.table_network import combine
from hpsearch.ports import Exported, ExportedEstimator, Predictions, StudyRecord, TrackedStudy, Tracker
from hpsearch.search.config import StudyConfig
from hpsearch.search.export import BestState, can_export, can_predict, can_refit, export, export_estimator, predict, refit
from hpsearch.trial import Candidate, Trial, best, flip_sign, format_value, root
from hpsearch.trial.formatting import count

if TYPE_CHECKING:
    from hpsearch.plots import Plot

logger = logging.getLogger(__name__)
# Of a study's limit on wall-clock time, what training the best network once more may take beyond it without being asked to.
_BEYOND = 0.1
# What a notebook shows of a result: so many trials, and a picture of this size in inches and dots per inch.
_SHOWN, _SMALL = 5, (8.0, 3.4, 90.0)


@dataclass(frozen=True, repr=False)
class Result:
    """What `Study.run` returns.

    ``trials`` are in number order, whatever their end was; ``taken_over`` says how many of them an earlier run had done,
    ``notes`` what the strategy said on the way (how it narrowed its ranges, why it ended early). ``model`` is where the best
    network was logged, ``best_state`` the state it is exported from where that is still at hand; ``unreported`` says why the
    report could not be made, and is empty where it was made or not asked for.
    """

    study: StudyConfig
    trials: Sequence[Trial]
    record: StudyRecord
    tracker: Tracker = field(repr=False)
    taken_over: int = 0
    notes: Sequence[str] = field(default=(), repr=False)
    best_state: BestState | None = field(default=None, repr=False)
    model: str | None = None
    unreported: str = field(default="", repr=False)
    reporter: Callable[[Result], str] | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        """Return one line, however many trials there are."""
        found = f", best {format_value(self.best_value)} in trial {self.best.number}" if self.has_best else ""
        return f"<Result of study {self.study.name!r}: {count(len(self.trials), 'trial')}{found}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the best trials with their settings in full, the history, the way to MLflow."""
        if not self.has_best:
            return f"<p>{escape(repr(self))}</p>"
        rows = best(self.trials, _SHOWN)
        names = list(dict.fromkeys(name for trial in rows for name in trial.params))
        cells = [
            [str(t.number), repr(self.value(t)), *(repr(t.params[n]) if n in t.params else "" for n in names)] for t in rows
        ]
        table = html.table(["trial", self.record.measure, *names], cells)
        return f"<p>{escape(repr(self))}</p>{table}{self._picture()}{self._link()}"

    @property
    def has_best(self) -> bool:
        """Whether a trial finished, so that there is a best one."""
        return self.study.choose(self.trials) is not None

    def _picture(self) -> str:
        from hpsearch.plots import still

        try:
            content = base64.b64encode(still.draw(self.plot("history").picture, "png", *_SMALL)).decode()
        except HpsearchError:
            return ""
        return f'<img alt="history" style="max-width: 40em" src="data:image/png;base64,{content}">'

    def _link(self) -> str:
        address = self.tracker.link()
        return f'<p><a href="{escape(address)}">See it in MLflow</a> while <code>hpsearch ui</code> runs</p>' if address else ""

    @property
    def best(self) -> Trial:
        """The best trial: the first one of the `chosen` setting; without replicates the one of lowest value.

        Raises:
            StudyError: no trial finished.
        """
        return self.chosen.trials[0]

    @property
    def chosen(self) -> Candidate:
        """The setting that the study's rule selects, with the replicates it was judged on.

        Raises:
            StudyError: no trial finished.
        """
        found = self.study.choose(self.trials)
        if found is None:
            first = next((t.error for t in self.trials if t.error), "there were no trials")
            raise StudyError(f"Study {self.study.name!r} has no finished trial, so there is no best one. First error: {first}")
        return found

    @cached_property
    def findings(self) -> Findings:
        """What the conclusions, the pictures and the report are made from."""
        tracked = TrackedStudy(self.record, self.study.space, self.study.choose)
        predicting = self._predict if can_predict(self.study) else None
        exporting = self._export if can_export(self.study) else None
        return Findings.of(tracked, self.trials, self.study.search, predicting, exporting)

    def _predict(self) -> Predictions | str:
        """Return what the best trial predicts for held-out rows, or why that is not found out."""
        trial = self.best
        if self.study.data is not None and self.study.data.several_numbers:
            return "Predictions are not shown where a trial predicts several numbers for each row."
        if trial.number in self.record.earlier_trials:
            return f"Trial {trial.number} was run by an earlier objective, so its predictions are not at hand."
        if self.taken_over < len(self.trials) and _takes_too_long(self):
            again = f"hpsearch report {self.study.name!r}"
            return f"Predictions take {trial.seconds:.0f} s of training, and the time is up. For them: {again}"
        with _autolog_paused():
            return predict(self.study, trial, self.trials, self.best_state)

    def _export(self) -> Exported | str:
        """Return the network of the best trial, or why that is not at hand."""
        trial = self.best
        if trial.number in self.record.earlier_trials:
            return f"Trial {trial.number} was run by an earlier objective, so its network is not at hand."
        with _autolog_paused():
            return export(self.study, trial, self.trials, self.best_state)

    def value(self, trial: Trial) -> float:
        """Return a trial's value as the objective returned it (values are kept negated where the study maximises)."""
        return flip_sign(trial.value, self.study.maximize)

    @property
    def best_params(self) -> dict[str, Any]:
        """The params of the `best` trial, exact."""
        return dict(self.best.params)

    @property
    def best_value(self) -> float:
        """The value of the `best` trial, as the objective returned it."""
        return self.value(self.best)

    def plot(self, kind: str = "history", *, x: str = "", y: str = "", by: str = "", over: str = "") -> Plot:
        """Return a plot, which shows itself in a notebook; ``.save("x.svg")`` writes it.

        Args:
            kind: one of `hpsearch.plots.KINDS`, such as ``"curves"``, ``"slice"`` or ``"importance"``.
            x, y: of a ``"map"``: its parameters; left out, the most important ones.
            by: of a ``"map"``: a choice has a panel for each of its options, another parameter or a metric colours the dots; of
                ``"curves"``: the parameter of few values that colours the lines; left out, the rank of the value does.
            over: of ``"curves"``: ``"seconds"`` draws them over the seconds of the training.
        Raises:
            SettingError: there is no such kind, or no such parameter or metric.
            StudyError: there is nothing to draw; it says why.
        """
        from hpsearch.plots import Plot, draw

        with _autolog_paused():
            picture = draw(kind, self.findings, x, y, by, over)
        if isinstance(picture, str):
            raise StudyError(f"Study {self.study.name!r} has no picture {kind!r}: {picture}")
        return Plot(picture)

    def report(self, path: Path | str | None = None) -> Path:
        """Write the report, one page that needs no network; return its path.

        Args:
            path: of the page; None writes ``NAME-report.html`` in the current folder.
        Raises:
            StudyError: the result was not made by a study, which knows how to report.
        """
        if self.reporter is None:
            raise StudyError("A report is written by the result of Study.run or Study.result. Call one of these.")
        written = Path(path or f"{re.sub(r'[^A-Za-z0-9._-]+', '-', self.study.name)}-report.html")
        written.write_text(self.reporter(self), encoding="utf-8")
        return written

    def table(self) -> list[dict[str, Any]]:
        """Return one flat dict per trial, in number order; ``pandas.DataFrame(result.table())`` is a data frame."""
        return [self._row(trial) for trial in self.trials]

    def test(self) -> dict[str, float]:
        """Open the sealed test part and score the best trial on it; the opening is counted and logged on the study.

        Raises:
            StudyError: the objective holds no test part.
        """
        objective = self.study.adapted
        sealed = None if objective.data is None else objective.data.test
        if sealed is None or "test" not in objective.capabilities:
            raise StudyError(f"Study {self.study.name!r} has no sealed test part: its objective holds no data set with one.")
        trial = self.best
        self.check_repeatable(trial)
        task = self.study.task(trial, root(trial, {t.number: t for t in self.trials}))
        part = open_test(sealed, lambda: self._count_opening(trial))
        objective, task = own_objects(objective, task)
        with _autolog_paused():
            scores = dict(objective.test(task.params, trial_context(task), part))
        self.tracker.tested(self.record, trial, scores)
        return scores

    def network(self) -> AnyNetwork | RecurrentNetwork:
        """Return the best trial's network, such as for `hpsearch.nn.save`; a recurrent one for `hpsearch.nn.recurrent.save`.

        Where the state of the trial is not at hand any more, it is trained again from its seed, which takes as long as the
        trial did.

        Raises:
            StudyError: the objective hands out no network, or no trial finished.
        """
        exported = self._exported(self.best)
        if exported.note:
            logger.warning("%s", exported.note)
        if exported.architecture.get("kind") == KIND:
            return recurrent_from_data(exported.architecture, exported.weights)
        return from_data(exported.architecture, exported.weights)

    def ensemble(self, members: int = 5, vote: bool = False) -> AnyNetwork:
        """Return the networks of the best trials as an ensemble, such as for `hpsearch.nn.save`.

        Each is trained again from its seed, but for the best one where its state is at hand. Whether the ensemble is better the
        validation rows say: ``result.ensemble(5).score(data.validation.x, data.validation.y)``.

        Args:
            members: how many trials, the best ones; at most as many as finished. Of a training that was continued it is one.
            vote: whether they vote, in place of averaging their outputs; see `hpsearch.nn.ensemble.Ensemble`.
        Raises:
            SettingError: fewer trials finished, or their networks differ in inputs, outputs or cost.
            StudyError: the objective hands out no network or a recurrent one, or no trial finished.
        """
        self._check_exported()
        by_number, of_root = {trial.number: trial for trial in self.trials}, dict[int, Trial]()
        for trial in best(self.trials, len(self.trials)):
            of_root.setdefault(root(trial, by_number).number, trial)
        found = list(of_root.values())
        integer("members", members, 1, "Take as many as finished, or run more trials.", most=max(len(found), 1))
        exported = [self._exported(trial) for trial in found[:1]]
        if exported and exported[0].architecture.get("kind") == KIND:
            raise StudyError(f"Study {self.study.name!r} has no ensemble: its networks are recurrent. Take result.network().")
        exported += [self._exported(trial) for trial in found[1:members]]
        for note in dict.fromkeys(one.note for one in exported if one.note):
            logger.warning("%s", note)
        return combine([from_data(one.architecture, one.weights) for one in exported], vote)

    def estimator(self, rows: str = "all") -> Any:
        """Return the best trial's estimator, fitted again by the trial's random numbers; it predicts your own labels.

        Args:
            rows: ``"all"``, those of training and validation part together; or ``"training"``, which gives the very estimator
                that was scored.
        Raises:
            StudyError: the objective fits no estimator, or no trial finished.
        """
        if not can_refit(self.study):
            advice = "Take TuneEstimator, TrainSVM or CrossValidate of these."
            raise StudyError(
                f"Study {self.study.name!r} has no estimator: its objective has no refit(params, context, rows). {advice}"
            )
        trial = self.best
        self.check_repeatable(trial)
        with _autolog_paused():
            return refit(self.study, trial, self.trials, rows)

    def export_estimator(self, trusted: Collection[str] = ()) -> ExportedEstimator:
        """Return the best trial's estimator as it is stored: fitted on all rows, with the types that its reader must trust.

        Args:
            trusted: names of types that you trust beside those of scikit-learn, NumPy and SciPy.
        Raises:
            StudyError: the objective fits no estimator, or skops cannot store it.
        """
        trial = self.best
        self.check_repeatable(trial)
        with _autolog_paused():
            return export_estimator(self.study, trial, self.trials, trusted)

    @property
    def kind(self) -> str:
        """What the study's objective makes: a ``"network"``, an ``"estimator"``, or nothing that can be kept."""
        return "network" if can_export(self.study) else "estimator" if can_refit(self.study) else ""

    def log_model(self, trusted: Collection[str] = ()) -> str:
        """Log the best trial's network or estimator as an MLflow model, unless it is logged already; return its address.

        ``mlflow.pyfunc.load_model`` takes the address, and needs neither this package nor the data;
        ``mlflow.sklearn.load_model`` returns the estimator itself. Where the state of a network is not at hand any more, it is
        trained again from its seed, which takes as long as the trial did. An estimator is fitted on training and validation
        rows and stored by skops, without pickles.

        Args:
            trusted: types within an estimator that you trust beside those of scikit-learn, NumPy and SciPy.

        Raises:
            StudyError: the objective hands out no network, or no trial finished.
            TrackingError: the store did not take it.
        """
        if self.kind == "estimator":
            return self.tracker.keep_model(self.record, self.best, lambda: self.export_estimator(trusted))
        self._check_exported()
        trial = self.best
        return self.tracker.keep_model(self.record, trial, lambda: self._exported(trial))

    def _exported(self, trial: Trial) -> Exported:
        self._check_exported()
        self.check_repeatable(trial)
        with _autolog_paused():
            return export(self.study, trial, self.trials, self.best_state)

    def check_repeatable(self, trial: Trial) -> None:
        """Raise an error for a trial that the study's objective cannot run again: an earlier objective ran it.

        Raises:
            StudyError: it is one of those.
        """
        if trial.number in self.record.earlier_trials:
            what = f"Trial {trial.number} of {self.study.name!r}"
            advice = "Take a later trial, or run the study anew with --fresh (fresh=True)."
            raise StudyError(must_be(what, "one that this objective ran", "one that an earlier objective ran", advice))

    def _check_exported(self) -> None:
        if not can_export(self.study):
            raise StudyError(f"Study {self.study.name!r} has no network: its objective has no export(params, context).")

    def _count_opening(self, trial: Trial) -> None:
        self.tracker.opening(self.record, trial)

    def _row(self, trial: Trial) -> dict[str, Any]:
        metrics = dict(trial.outcome.metrics) if trial.outcome else {}
        head = {"number": trial.number, "stage": trial.stage, "status": str(trial.status), "value": self.value(trial)}
        return {**head, **trial.params, **metrics, "seconds": trial.seconds, "error": trial.error}


def _autolog_paused() -> AbstractContextManager[None]:
    from hpsearch.tracking.autolog import paused  # loaded late, as every tracker

    return paused()


def with_model(result: Result, wanted: bool | None) -> Result:
    """Return the result of a study that has just ended with its best model logged; nothing here can fail the study.

    ``wanted`` None logs none where the network would have to be trained again long after the study's time is up.
    """
    if wanted is False or not result.kind or not any(trial.ok and not trial.is_preflight for trial in result.trials):
        return result
    try:
        if wanted is None and _takes_too_long(result):
            seconds = f"{result.best.seconds:.0f} s"
            logger.warning("The best %s was not logged: training it again takes %s, and the time is up.", result.kind, seconds)
            return result
        return replace(result, model=result.log_model())
    except Exception as error:  # of whatever kind: the trials are done and recorded
        kind = "" if isinstance(error, HpsearchError) else f"{type(error).__name__}: "
        logger.warning("The best %s was not logged: %s%s", result.kind, kind, error)
        return result


def _takes_too_long(result: Result) -> bool:
    limit = None if result.study.stop is None else result.study.stop.seconds
    at_hand = result.best_state is not None and result.best_state.number == result.best.number
    return limit is not None and not at_hand and result.best.seconds > _BEYOND * limit
