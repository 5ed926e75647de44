"""The loop of a study: it asks the strategy for batches, replays what is recorded, runs the rest, and records it."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from hpsearch.data.vault import closed
from hpsearch.errors import StudyError, must_be
from hpsearch.execution.blas import one_thread
from hpsearch.execution.checkpoint_folders import CheckpointFolders, temporary_root
from hpsearch.execution.signals import StopRequest, Terminated, TimeUp, stoppable, time_limit
from hpsearch.execution.states import States
from hpsearch.ports import Batch, Executor, Proposal, PruningThresholds, Task, TrackedStudy, Tracker
from hpsearch.search.batches import in_pieces
from hpsearch.search.config import StudyConfig
from hpsearch.search.export import BestState
from hpsearch.search.live import Live
from hpsearch.search.progress import Progress
from hpsearch.search.repeats import Repeats
from hpsearch.search.replay import Replay
from hpsearch.search.stopping import EarlierCurves, Stop, Watch, describe_idle
from hpsearch.space.equality import params_key
from hpsearch.trial import CONFIRM, Params, Status, Trial, root
from hpsearch.trial.formatting import count

logger = logging.getLogger(__name__)


class _Cut(Exception):
    """A stop rule holds: nothing more is run."""


@dataclass(frozen=True)
class RunSettings:
    """What one run of a study is given, and never changes.

    Args:
        study: what is searched.
        executor: where trials run.
        tracker: where trials are recorded.
        tracked: the study as the tracker gets it.
        replay: the trials that an earlier run recorded.
        fresh: whether these are dropped.
        progress: called after every trial.
    """

    study: StudyConfig
    executor: Executor
    tracker: Tracker
    tracked: TrackedStudy
    replay: Replay
    fresh: bool = False
    progress: Callable[[Progress], None] | None = None


@dataclass
class Loop:
    """One run of a study: its settings, and what changes while it runs.

    Args:
        settings: of the run.
        best_state: where the incumbent's trained state is kept, or None.
        trials: by number, ended and kept.
        states: of the trials that later ones may continue.
        checkpoints: of trials that run, and of those that may go on later.
        unneeded: trials whose state the next batch may need, and none after it.
        opened: whether the executor is.
        started: whether the tracker has opened the study.
        thresholds: what curves of the current batch must reach.
        ending: how the study ends where nothing interrupts it.
        stop: by which another process can end the run.
    """

    settings: RunSettings
    best_state: BestState | None = None
    trials: dict[int, Trial] = field(default_factory=dict)
    states: States = field(default_factory=lambda: States(memory=None))
    checkpoints: CheckpointFolders = field(default_factory=CheckpointFolders)
    unneeded: list[Trial] = field(default_factory=list)
    opened: bool = False
    started: bool = False
    thresholds: PruningThresholds | None = None
    ending: str = "finished"
    stop: StopRequest = field(default_factory=StopRequest)

    def __post_init__(self) -> None:
        self.study, self.tracker, self.replay = self.settings.study, self.settings.tracker, self.settings.replay
        idle = self.study.adapted.idle_settings(self.study.space)
        self.executor, notes = self.settings.executor, [*self.study.parts.notes, *idle]
        self.repeats = Repeats(self.study.proposer.complete, self.study.proposer.trials)
        self.watch = Watch(self._rules(), self.study.sign)
        self.curves = None if self.study.early_stop is None else EarlierCurves(self.study.early_stop)
        self.state = Progress(total=self.study.proposer.trials, jobs=self.executor.width, found=self.replay.found, notes=notes)
        self.live = Live(self.executor, self.tracker, self.state)

    def _rules(self) -> Stop:
        """Return the stop rules; a study that once went on after its first failures is not ended by them afterwards."""
        rules = self.study.stop or Stop()
        searched = sum(not trial.is_preflight for trial in self.replay.recorded.trials)
        over = rules.identical_failures is not None and searched > rules.identical_failures
        return replace(rules, identical_failures=None) if over else rules

    def run(self) -> list[Trial]:
        """Run to the end of the strategy or to a stop rule; return all trials in number order."""
        try:
            with one_thread(), closed(), closing(self.executor), stoppable() as self.stop, self.live:
                self._run_search()
            if self.started or not self.replay.recorded.finished or self.replay.recorded.moved:
                self._start()
                self._finish(self.ending)
        except BaseException as error:
            if self.started:
                asked_to_end = isinstance(error, (KeyboardInterrupt, Terminated))
                self._finish("killed" if asked_to_end else "failed", resumable=True)
            raise
        return self._in_order()

    def _finish(self, ending: str, resumable: bool = False) -> None:
        """Close the record; keep the states of paused trials where a later run needs them."""
        try:
            self.states.close(finished=not resumable)
            self.checkpoints.close(self.trials, continued=resumable and self.study.proposer.continues)
        finally:  # also where an interrupt ends the writing
            self.tracker.finish(ending, self._in_order())

    def _run_search(self) -> None:
        search = self.study.search()
        try:
            batch = next(search)
            while True:
                batch = search.send(self._run_batch(batch))
        except StopIteration:
            self._say(self.repeats.sentence())
            self._say("" if self.curves is None else self.curves.unreached)
            self.replay.check_all_used(len(self.trials), self.settings.tracked.record)
        except _Cut:
            return

    def _run_batch(self, batch: Batch) -> list[Trial]:
        """Return the batch's trials in the order proposed; a rule that compares curves has it run in pieces."""
        self._say(self.repeats.add(batch))
        rule = self.study.early_stop
        pieces = [batch] if rule is None else in_pieces(batch, rule.batch)
        if rule is not None and len(pieces) > 1:
            self.state.total = max(self.state.expected, len(self.trials) + len(batch.proposals))
            self._say(describe_idle(rule, self.state.jobs))
        ended = [trial for piece in pieces for trial in self._run_piece(piece)]
        self._say(self._describe_unheeded(ended))
        self._drop_states(ended)
        return ended

    def _drop_states(self, ended: Sequence[Trial]) -> None:
        """Drop what trials left for those that continue them; where the strategy does not thaw, of all but the last batch."""
        if self.study.proposer.thaws:
            self.unneeded = [self.trials[trial.continues] for trial in ended if trial.continues is not None]
        for trial in self.unneeded:
            self.states.drop(trial.number)
            self.checkpoints.drop(trial)
        self.unneeded = [] if self.study.proposer.thaws else list(ended)

    def _run_piece(self, batch: Batch) -> list[Trial]:
        """Return the trials of a batch in the order proposed, running those that no record holds."""
        first = len(self.trials)
        self._say(batch.note)
        asked = [self._requested(first + i, p, batch) for i, p in enumerate(batch.proposals)]
        done = {t.number: t for t in (self.replay.find(trial) for trial in asked) if t is not None}
        self.state.count_replayed(done.values(), proposed=first + len(asked))
        missing = [trial for trial in asked if trial.number not in done]
        self.thresholds = self._thresholds(batch.stage)
        self._replay_in_order(asked, done)
        self._run_missing(missing, done)
        ended = [self.trials[trial.number] for trial in asked]
        if self.curves is not None:
            self.curves.add(ended)
            self._say(self.curves.unreported)
        return ended

    def _replay_in_order(self, asked: Sequence[Trial], done: dict[int, Trial]) -> None:
        """Take recorded trials over; up to the first gap while a stop rule may hold, so that it cuts where it did before."""
        for trial in asked:
            if not self.watch.may_hold:
                self.trials |= done
                done.clear()
                return
            if trial.number not in done:
                if self.study.stop and self.replay.recorded.finished and trial.number >= self.replay.end:
                    raise _Cut  # the clock cut the study here
                return
            recorded = self.trials[trial.number] = done.pop(trial.number)
            self._check_stop(recorded)

    def _run_missing(self, missing: Sequence[Trial], waiting: dict[int, Trial]) -> None:
        """Run trials and keep each as it ends; in number order while a rule may hold, so that a cut leaves none beyond it."""
        if not missing:
            return
        self._open_executor()
        self._start()
        self._say(self._describe_idle())
        self.live.propose({trial.number: trial for trial in missing})
        with closing(self._run_tasks([self._task(trial) for trial in missing])) as ended:
            for trial in ended:
                self.live.remove(trial.number)
                self._keep_state(trial)
                waiting[trial.number] = trial
                self._take(trial.number, waiting)

    def _keep_state(self, trial: Trial) -> None:
        """Keep the state of a trial that may be continued."""
        if trial.outcome is not None and trial.outcome.state is not None and self._may_be_continued(trial):
            self.states.put(trial.number, trial.budget, trial.outcome.state)

    def _may_be_continued(self, trial: Trial) -> bool:
        strategy = self.study.proposer
        return strategy.continues and (not strategy.thaws or (trial.ok and trial.budget != strategy.max_epochs))

    def _take(self, number: int, waiting: dict[int, Trial]) -> None:
        """Keep a trial that has ended, and those that waited for it."""
        if number > len(self.trials):
            self.watch.alike.add_early(waiting[number])
        while self.watch.may_hold and (number := len(self.trials)) in waiting:
            self._record(waiting[number])
            self._check_stop(waiting.pop(number))
        if not self.watch.may_hold:
            while waiting:
                self._record(waiting.pop(min(waiting)))

    def _record(self, trial: Trial) -> None:
        if self.best_state is not None:
            self.best_state.update(trial)
        if trial.outcome is not None and trial.outcome.state is not None:
            trial = replace(trial, outcome=replace(trial.outcome, state=None))
        self.trials[trial.number] = trial
        if trial.number not in self.replay.numbers:
            self.tracker.record(trial)
            self.checkpoints.end(trial, self._may_be_continued(trial))
            self.state.count_ended(trial)
            self._report_progress()

    def _check_stop(self, trial: Trial) -> None:
        """End the study where a stop rule holds with this trial, the next one in number order."""
        if not self.watch.add(trial):
            return
        if self.watch.alike.holds:
            self.ending = "failed"
            self._say(self.watch.alike.sentence(self.state.expected))
        raise _Cut

    def _run_tasks(self, tasks: Sequence[Task]) -> Generator[Trial, None, None]:
        """Yield trials as they end, until the study's time is up."""
        running = self.executor.run(tasks)
        try:
            while True:
                with time_limit(self._seconds_left()):
                    trial = next(running, None)
                if trial is None:
                    return
                yield trial
                self.stop.check()
                if (self._seconds_left() or 1) <= 0:
                    raise TimeUp
        except TimeUp:
            raise _Cut from None
        finally:
            running.close()  # ends what still runs

    def _seconds_left(self) -> float | None:
        limit = None if self.study.stop is None else self.study.stop.seconds
        return None if limit is None else self.state.started + limit - time.monotonic()

    def _task(self, trial: Trial) -> Task:
        """Return the task of a trial; one that continues does so from the cached state, else from its root's seed."""
        task = self.study.task(trial, root(trial, self.trials))
        before = None if trial.continues is None else self.trials[trial.continues]
        state = None if before is None else self.states.get(before.number, before.budget)
        keep_state = task.keep_state or self.best_state is not None
        place = self.checkpoints.place(trial, task.key, before)
        return replace(task, state=state, thresholds=self.thresholds, keep_state=keep_state, checkpoints=place)

    def _thresholds(self, stage: str) -> PruningThresholds | None:
        """Return what curves must reach in the next batch: only earlier batches have a say.

        The confirmation of the best settings is exempt: the mean over seeds of which the unlucky ones are missing flatters.
        """
        rule = self.study.early_stop
        if rule is None or self.curves is None or stage == CONFIRM:
            return None
        return PruningThresholds(rule.curve, rule.sign, self.curves.thresholds)

    def _requested(self, number: int, proposal: Proposal, batch: Batch) -> Trial:
        self.study.space.check(proposal.params, beyond=batch.space is not None)
        params, before = self.study.space.canonical(proposal.params), proposal.continues
        if before is not None:
            self._check_continues(params, before)
        return Trial(
            number, params, batch.stage, Status.FAILED,
            budget=proposal.budget, continues=before, replicate=proposal.replicate,
        )  # fmt: skip

    def _check_continues(self, params: Params, before: int) -> None:
        """Raise an error where a trial cannot continue another: it would be trained anew without a word."""
        if before not in self.trials or params_key(self.trials[before].params) != params_key(params):
            raise StudyError(must_be("continues", "an earlier trial of the same params", before, "Correct the strategy."))
        if not self.study.proposer.continues:
            what = f"continues of {type(self.study.strategy).__name__}, which proposes to continue trial {before},"
            advice = "Write continues = True in the strategy's class, so that the study keeps the states of its trials."
            raise StudyError(must_be(what, "True", self.study.proposer.continues, advice))

    def _open_executor(self) -> None:
        """Open the executor before the record, so that what it refuses leaves no record behind."""
        if not self.opened:
            self.opened = True
            self.executor.open(self.study.adapted, secrets.token_hex(8))
            self.state.jobs = self.executor.width

    def _start(self) -> None:
        if not self.started:
            if self.study.copies.warning and not self.executor.separate:  # else it is pickled, or refused
                logger.warning("%s", self.study.copies.warning)
            self.tracker.start(self.settings.tracked, self.settings.fresh)
            self.started = True
            self.tracker.on_stop(self.stop)
            if self.study.proposer.thaws:
                self.states = self._open_states()
            self.checkpoints = self._open_checkpoints()
            self._report_progress()

    def _open_states(self) -> States:
        """Return the states of paused trials, with those that an interrupted run left."""
        record = self.settings.tracked.record
        folder = self.tracker.states_folder(record)
        return States(repr(sorted(record.identity.items())), folder, fresh=self.settings.fresh)

    def _open_checkpoints(self) -> CheckpointFolders:
        """Return the checkpoints of trials, with those that an interrupted run left."""
        record = self.settings.tracked.record
        lasting = self.tracker.states_folder(record)
        folder = lasting or temporary_root()
        root = self.executor.checkpoint_root(folder)
        if lasting is None and root != folder:
            folder.rmdir()
        study = repr(sorted(record.identity.items()))
        return CheckpointFolders.open(root, study, fresh=self.settings.fresh, temporary=lasting is None)

    def _describe_idle(self) -> str:
        """Return one sentence where the strategy has fewer trials run side by side than there are workers."""
        jobs, size = self.state.jobs, (self.study.proposer.batch_size or self.state.jobs) * self.study.replicates
        if size >= jobs:
            return ""
        name, enough = type(self.study.strategy).__name__, -(-jobs // self.study.replicates)
        advice = f"{name}(batch_size={enough}) keeps all of them busy and learns less from each trial."
        return f"{name} runs {count(size, 'trial')} at a time, so {jobs - size} of {jobs} workers stand idle. {advice}"

    def _describe_unheeded(self, ended: Sequence[Trial]) -> str:
        """Return one sentence where a larger budget changed nothing at all; a single trial may have converged."""
        pairs = [(trial, self.trials[trial.continues]) for trial in ended if trial.continues is not None and trial.ok]
        if len(pairs) < 2 or any(trial.outcome != before.outcome for trial, before in pairs):
            return ""
        return (
            "Trials with a larger budget came out as those that they continue, in every number: the objective does not seem to "
            "heed context.budget, so that it trains the same again and again. Let it end after context.budget epochs."
        )

    def _say(self, note: str) -> None:
        """Show a sentence once; an empty text is none."""
        if note not in self.state.notes and self.state.add_note(note):
            self._report_progress()

    def _report_progress(self) -> None:
        """Report where the study is, once it is certain that it runs: another process may be running it."""
        if self.opened:
            self.state.jobs = self.executor.width  # which may change
        if self.settings.progress is not None and (self.started or self.replay.recorded.finished):
            self.settings.progress(self.state)

    def _in_order(self) -> list[Trial]:
        return [self.trials[number] for number in sorted(self.trials)]
