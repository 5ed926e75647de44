"""The loop of a study: ask its strategy, replay what is recorded, run the rest, write it down."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hpsearch.errors import StudyError, must_be
from hpsearch.execution.executor import Execution
from hpsearch.execution.signals import Terminated, TimeUp, time_limit
from hpsearch.execution.task import Task
from hpsearch.ports import Bar, Batch, Proposal, StudyRecord, Tracker
from hpsearch.search.export import Leader
from hpsearch.search.progress import Progress
from hpsearch.search.replay import Replay
from hpsearch.trial import Status, Trial, root

if TYPE_CHECKING:
    from hpsearch.study import Study


class _Cut(Exception):
    """A stop rule holds: nothing more is run."""


@dataclass
class Loop:
    """One run of a study."""

    study: Study
    execution: Execution
    tracker: Tracker
    replay: Replay
    record: StudyRecord
    fresh: bool
    progress: Callable[[Progress], None] | None
    trials: dict[int, Trial] = field(default_factory=dict)
    states: Mapping[int, Any] = field(default_factory=dict)
    started: bool = False
    bar: Bar | None = None
    leader: Leader | None = None

    def __post_init__(self) -> None:
        total = getattr(self.study.strategy, "trials", None)
        self.state = Progress(total=total, jobs=self.execution.jobs, found=self.replay.found)

    def run(self) -> list[Trial]:
        """Run to the end of the strategy or to a stop rule; return all trials in number order."""
        try:
            with self.execution:
                self._search()
            if self.started or not self.replay.recorded.finished:
                self._start()
                self.tracker.finish("finished", self._in_order())
        except BaseException as error:
            if self.started:
                asked_to_end = isinstance(error, (KeyboardInterrupt, Terminated))
                self.tracker.finish("killed" if asked_to_end else "failed", self._in_order())
            raise
        return self._in_order()

    def _search(self) -> None:
        search = self.study.search()
        try:
            batch = next(search)
            while True:
                batch = search.send(self._run_batch(batch))
        except StopIteration:
            self.replay.check_all_used(len(self.trials), self.record)
        except _Cut:
            return

    def _run_batch(self, batch: Batch) -> list[Trial]:
        """Return the batch's trials in the order proposed, running those that no record holds."""
        first = len(self.trials)
        if self.state.say(batch.note):
            self._show()
        asked = [self._asked(first + i, p, batch) for i, p in enumerate(batch.proposals)]
        done = {t.number: t for t in (self.replay.find(trial) for trial in asked) if t is not None}
        self.state.replayed(done.values(), proposed=first + len(asked))
        missing = [trial for trial in asked if trial.number not in done]
        self.bar = self._bar(first)
        if self.study.stop is None:
            self.trials |= done
            done = {}
        else:
            self._replay_in_order(asked, done)
        self._run_missing(missing, done)
        return [self.trials[trial.number] for trial in asked]

    def _replay_in_order(self, asked: Sequence[Trial], done: dict[int, Trial]) -> None:
        """Take recorded trials over up to the first gap, so that a stop rule cuts where it did the first time."""
        for trial in asked:
            if trial.number not in done:
                if self.replay.recorded.finished and trial.number not in self.replay.again:
                    raise _Cut  # the clock cut the study here
                return
            self.trials[trial.number] = done.pop(trial.number)
            self._check_stop()

    def _run_missing(self, missing: Sequence[Trial], waiting: dict[int, Trial]) -> None:
        """Run trials and keep each as it ends; under a stop rule in number order, so that a cut leaves none beyond it."""
        if missing:
            self._start()
        states: dict[int, Any] = {}
        with closing(self._ended([self._task(trial) for trial in missing])) as ended:
            for trial in ended:
                if self._continues and trial.outcome is not None and trial.outcome.state is not None:
                    states[trial.number] = trial.outcome.state
                waiting[trial.number] = trial
                self._release(trial.number, waiting)
        self.states = states  # of this batch only: what continues, continues from the batch before

    def _release(self, number: int, waiting: dict[int, Trial]) -> None:
        if self.study.stop is None:
            self._keep(waiting.pop(number))
        while (number := len(self.trials)) in waiting:
            self._keep(waiting.pop(number))
            self._check_stop()

    def _keep(self, trial: Trial) -> None:
        if self.leader is not None:
            self.leader.look(trial)
        if trial.outcome is not None:
            trial = replace(trial, outcome=replace(trial.outcome, state=None))
        self.trials[trial.number] = trial
        if trial.number not in self.replay.numbers:
            self.tracker.record(trial)
            self.state.ended(trial)
            self._show()

    def _check_stop(self) -> None:
        stop = self.study.stop
        if stop is not None and stop.length(self._in_order(), self.study.sign) is not None:
            raise _Cut

    def _ended(self, tasks: Sequence[Task]) -> Generator[Trial, None, None]:
        """Yield trials as they end, until the study's time is up."""
        running = self.execution.run(self.study.objective, tasks)
        try:
            while True:
                with time_limit(self._seconds_left()):
                    trial = next(running, None)
                if trial is None:
                    return
                yield trial
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
        state = None if trial.continues is None else self.states.get(trial.continues)
        return replace(task, state=state, bar=self.bar, keep_state=task.keep_state or self.leader is not None)

    @property
    def _continues(self) -> bool:
        """Whether later trials may go on from the states of this batch."""
        return bool(getattr(self.study.strategy, "continues", False))

    def _bar(self, first: int) -> Bar | None:
        """Return what curves must reach in a batch that begins at number ``first``: only earlier batches have a say."""
        rule = self.study.early_stop
        if rule is None:
            return None
        earlier = [self.trials[number] for number in range(first) if not self.trials[number].check]
        return rule.curve, rule.sign, rule.bar(earlier)

    def _asked(self, number: int, proposal: Proposal, batch: Batch) -> Trial:
        self.study.space.check(proposal.params, beyond=batch.space is not None)
        before = proposal.continues
        if before is not None and (before not in self.trials or self.trials[before].params != proposal.params):
            raise StudyError(must_be("continues", "an earlier trial of the same params", before, "Mend the strategy."))
        return Trial(
            number, dict(proposal.params), batch.stage, Status.FAILED,
            budget=proposal.budget, continues=before, replicate=proposal.replicate,
        )  # fmt: skip

    def _start(self) -> None:
        if not self.started:
            self.execution.check(self.study.objective)
            self.tracker.start(self.record, self.fresh)
            self.started = True
            self._show()

    def _show(self) -> None:
        if self.progress is not None:
            self.progress(self.state)

    def _in_order(self) -> list[Trial]:
        return [self.trials[number] for number in sorted(self.trials)]
