"""Published experiment: settings trained under several seeds, the published figures, and the plot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hpsearch.data import Dataset, mnist
from hpsearch.errors import StudyError
from hpsearch.objectives import TrainNetwork
from hpsearch.plots import still
from hpsearch.plots.chart import Chart
from hpsearch.ports import AnyObjective, adapt_objective
from hpsearch.reproductions.figures import INSIDE, TOO_FEW, Figure, Found, OneSeed
from hpsearch.reproductions.fixed_settings import Listed, as_params, space_of
from hpsearch.reproductions.network_objectives import Watched
from hpsearch.reproductions.reproduction import LEAST, SMOKE, Options, Reproduced, Reproduction, Row
from hpsearch.reproductions.views import View
from hpsearch.search.result import Result
from hpsearch.space import Space
from hpsearch.study import Study
from hpsearch.trial import Params, duration

SOURCE = "Nielsen, Neural Networks and Deep Learning, ch. 3"
Load = Callable[[], Dataset]


@dataclass(frozen=True)
class Experiment:
    """An experiment of the document, with its settings and its published figures.

    Args:
        name: of the study, and on the command line.
        question: what was asked.
        claim: what the document says.
        settings: of `TrainNetwork`, by a name for the table and the picture; each has a value for the same ones.
        objective: made from what loads the data.
        figures: rows of the table.
        views: panels of the picture.
        seeds: of each setting; ``--full`` takes 20 or more.
        conclude: further sentences from the trials.
        source: of the claim.
        small: the settings of a smoke run, where the usual ones need all rows; None takes the usual ones.
        budget: epochs of each trial; None trains as long as the objective says.
        needs: an optional package that the objective imports.
    """

    name: str
    question: str
    claim: str
    settings: Mapping[str, Mapping[str, Any]]
    objective: Callable[[Load], AnyObjective]
    figures: Sequence[Figure]
    views: Sequence[View]
    seeds: int = 5
    conclude: Callable[[Found], Sequence[str]] = lambda found: ()
    source: str = SOURCE
    small: Mapping[str, Mapping[str, Any]] | None = None
    budget: int | None = None
    needs: str = ""

    @property
    def reproduction(self) -> Reproduction:
        """What `hpsearch reproduce` lists and runs."""
        return Reproduction(self.name, self.claim, self.source, self.run, self.needs)

    def study(self, seeds: int | None = None, seed: int = 0, load: Load = mnist) -> Study:
        """Return the study: every setting under the same seeds; fewer or more than usual make a study of their own."""
        count = seeds or self.seeds
        return Study(
            name=self.name if count == self.seeds else f"{self.name}-{count}",
            space=self._space,
            objective=self.objective(load),
            strategy=Listed(tuple(self._params.values()), self.budget),
            seed=seed,
            question=self.question,
            replicates=count,
        )

    def run(self, options: Options, load: Load = mnist) -> Reproduced:
        """Run the study, and compare its figures with the published ones."""
        if options.smoke:
            return self.smoke().run(replace(options, smoke=False), load).unjudged()
        study = self.study(self._seeds(options), options.seed, load)
        settings, seeds = (
            f"{n} {word}{'s' * (n > 1)}" for n, word in ((len(self.settings), "setting"), (study.replicates, "seed"))
        )
        options.say(f"{settings} under {seeds}{' each' * (len(self.settings) > 1)}: {self.question}")
        result = options.result(study)
        return self.reproduced(result)

    def smoke(self) -> Experiment:
        """Return the experiment on few rows, for two epochs and under three seeds; its study has a name of its own."""

        def objective(load: Load) -> AnyObjective:
            whole = adapt_objective(self.objective(load))
            return whole.shrunk() if "shrunk" in whole.capabilities else self.objective(load)

        seeds, settings = min(self.seeds, LEAST), self.small or self.settings
        return replace(self, name=f"{self.name}{SMOKE}", settings=settings, objective=objective, seeds=seeds, budget=2)

    def reproduced(self, result: Result) -> Reproduced:
        """Return the table, the conclusions and the picture of a result, and attach the picture to its record."""
        found = self._found(result)
        rows = [figure.row(found) for figure in self.figures]
        chart = Chart(self.question, "", [view.panel(found) for view in self.views], columns=2)
        files = {f"plots/{self.name}.png": still.png(chart)}
        result.tracker.attach(result.record, files)
        said = [*self._counted(rows), *self.conclude(found), _took(result)]
        return Reproduced(rows, said, files, result)

    @property
    def _space(self) -> Space:
        return space_of(list(self.settings.values()))

    @property
    def _params(self) -> dict[str, Params]:
        return {name: as_params(setting, self._space) for name, setting in self.settings.items()}

    def _seeds(self, options: Options) -> int:
        if self.seeds == 1:
            return 1
        return max(20, self.seeds) if options.full else options.trials or self.seeds

    def _found(self, result: Result) -> Found:
        ok = [trial for trial in result.trials if trial.ok]
        found = {name: [t for t in ok if t.params == params] for name, params in self._params.items()}
        for name, trials in found.items():
            if not trials:
                first = next((t.error for t in result.trials if t.error), "there were no trials")
                raise StudyError(
                    f"No training of {name!r} in {self.name!r} finished, so there is no table. First error: {first}"
                )
        return found

    def _counted(self, rows: Sequence[Row]) -> list[str]:
        """Say how many published seeds may be of ours; chance alone takes one in twenty out."""
        pairs = zip(rows, self.figures, strict=True)
        verdicts = [row.verdict for row, figure in pairs if isinstance(figure, OneSeed) and row.verdict != TOO_FEW]
        if not verdicts:
            return []
        inside = sum(verdict.startswith(INSIDE) for verdict in verdicts)
        return [
            f"{inside} of {len(verdicts)} published seeds lie where one more seed of ours would in 95 % of all cases "
            f"({0.95 * len(verdicts):.1f} expected)."
        ]


def network(test: bool = False, training: bool = False, **fixed: Any) -> Callable[[Load], Watched]:
    """Return a function that makes the objective from the data.

    Mini-batches of 10, 30 hidden sigmoid units, cross-entropy and plain descent, unless fixed otherwise.

    Args:
        test: whether the published curves are those of the test part; else of the validation part.
        training: whether the training data are scored too.
        fixed: settings of `TrainNetwork`.
    """

    def objective(load: Load) -> Watched:
        data = load().for_reproduction() if test else load()
        return Watched(TrainNetwork(data, **fixed), training)

    return objective


def _took(result: Result) -> str:
    return f"{len(result.trials)} trials, {duration(sum(trial.seconds for trial in result.trials))} of computing in all."
