"""Ensembles of different models: probabilities averaged and votes, against the best single model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.data import Dataset, Part
from hpsearch.nn import train
from hpsearch.objectives.fitted import NetworkClassifier
from hpsearch.ports import Context, ObjectiveBase
from hpsearch.reproductions.experiment import Experiment, Load
from hpsearch.reproductions.means import Mean
from hpsearch.reproductions.views import Metrics
from hpsearch.trial import Outcome, Params

SIZES = (1000, 5000)
SINGLE = {
    "wide": "network, 200 ReLU units",
    "deep": "network, 2 x 50 tanh units",
    "svm": "support vector machine",
    "forest": "random forest",
    "nearest": "nearest neighbours",
}
MEAN, VOTE, CHOSEN, ALIKE, OTHERS = "mean", "vote", "chosen", "alike", "others"
SHOWN = {
    **SINGLE,
    MEAN: "all five, mean",
    VOTE: "all five, vote",
    OTHERS: "all but the SVM, mean",
    ALIKE: "five wide networks, mean",
}
SETTINGS = {f"{size:,} images": {"size": size} for size in SIZES}
GAINS = {
    "mean": "mean of all five over the best single model",
    "vote": "vote of all five over the best single model",
    "others": "mean of all but the SVM over the best of these",
    "alike": "mean of five wide networks over one",
    "member": "mean of all five over its average member",
}
_SEEDS = 2**31
Fit = Callable[[Part, int, int], Any]


def _wide(rows: Part, classes: int, seed: int) -> Any:
    settings = {"hidden": 200, "activation": "relu", "init": "he", "momentum": 0.9, "learning_rate": 0.05}
    return _network(rows, classes, seed, settings)


def _deep(rows: Part, classes: int, seed: int) -> Any:
    settings = {"hidden": (50, 50), "activation": "tanh", "init": "xavier", "momentum": 0.9, "learning_rate": 0.03}
    return _network(rows, classes, seed, settings)


def _network(rows: Part, classes: int, seed: int, settings: Mapping[str, Any]) -> Any:
    fixed: dict[str, Any] = {"cost": "log_likelihood", "epochs": 30, "batch_size": 20, "l2": 2e-4 * len(rows)}
    return NetworkClassifier(train(rows, classes=classes, seed=seed, **fixed, **settings))


def _svm(rows: Part, classes: int, seed: int) -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import SVC

    return CalibratedClassifierCV(SVC(C=5.0), ensemble=False, cv=3).fit(rows.x, rows.y)


def _forest(rows: Part, classes: int, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(200, random_state=seed).fit(rows.x, rows.y)


def _nearest(rows: Part, classes: int, seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(4, weights="distance").fit(rows.x, rows.y)


MODELS: dict[str, Fit] = {"wide": _wide, "deep": _deep, "svm": _svm, "forest": _forest, "nearest": _nearest}


def probabilities(fitted: Any, x: NDArray[Any], classes: int) -> NDArray[np.float64]:
    """Return the probability of each class, (n, classes); 0 of one that was not among the rows it was fitted on."""
    shares = np.zeros((len(x), classes))
    shares[:, fitted.classes_] = fitted.predict_proba(x)
    return shares


def vote(shares: Sequence[NDArray[np.float64]]) -> NDArray[np.intp]:
    """Return the class that most of several models predict, of equally many the most probable one.

    Args:
        shares: the probabilities of each model, (n, classes).
    """
    together = np.stack(shares)
    # The mean probability is below 1, so that it decides between equal numbers of votes alone.
    votes = np.eye(together.shape[2])[together.argmax(axis=2)].sum(axis=0)
    return np.asarray((votes + together.mean(axis=0) / 2).argmax(axis=1))


@dataclass(frozen=True)
class CompareEnsembles(ObjectiveBase):
    """Fit five different models to the same rows; the value is the error of their mean on rows that nothing was chosen by.

    Half of the validation rows choose the best single model, the others judge.

    Args:
        data: training and validation rows; the trial's own seed draws the training rows.

    Metrics: the accuracy of each model, of the one that was chosen, of the mean of probabilities, of the vote, of the mean
    without the support vector machine, and of five wide networks from other seeds. By how many points they are ahead: mean_gain
    and vote_gain over the chosen model, others_gain over the one that is chosen without the support vector machine, alike_gain
    over one wide network, member_gain of the mean over the average of its members.
    """

    data: Dataset
    measure = "error of the mean"

    def shrunk(self) -> CompareEnsembles:
        """Return the same on fewer rows."""
        return replace(self, data=self.data.at_most(200, 200))

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Fit the models to ``params["size"]`` rows, and judge them alone and together."""
        rng, classes, held = context.rng, self.data.classes, self.data.validation
        rows = self.data.train.take(rng.permutation(len(self.data.train))[: params["size"]])
        choosing, judging = held.head(len(held) // 2), held.take(slice(len(held) // 2, None))
        fitted = {name: fit(rows, classes, int(rng.integers(_SEEDS))) for name, fit in MODELS.items()}
        shares = {name: probabilities(one, judging.x, classes) for name, one in fitted.items()}
        found = {name: _accuracy(one.argmax(axis=1), judging) for name, one in shares.items()}
        on_others = {name: _accuracy(one.predict(choosing.x), choosing) for name, one in fitted.items()}
        found[CHOSEN] = found[_best(on_others)]
        found[MEAN], found[VOTE] = _accuracy(_mean(shares.values()), judging), _accuracy(vote(list(shares.values())), judging)
        found[OTHERS] = _accuracy(_mean(one for name, one in shares.items() if name != "svm"), judging)
        alike = (_wide(rows, classes, int(rng.integers(_SEEDS))) for _ in range(len(MODELS) - 1))
        found[ALIKE] = _accuracy(_mean(probabilities(one, judging.x, classes) for one in (fitted["wide"], *alike)), judging)
        single = {name: found[name] for name in MODELS}
        without = {name: value for name, value in on_others.items() if name != "svm"}
        over = {
            "mean": found[MEAN] - found[CHOSEN],
            "vote": found[VOTE] - found[CHOSEN],
            "others": found[OTHERS] - found[_best(without)],
            "alike": found[ALIKE] - found["wide"],
            "member": found[MEAN] - float(np.mean(list(single.values()))),
        }
        metrics = {f"{name}_accuracy": value for name, value in found.items()}
        return Outcome(1 - found[MEAN], metrics | {f"{name}_gain": 100 * value for name, value in over.items()})


def _best(accuracies: Mapping[str, float]) -> str:
    return max(accuracies, key=lambda name: accuracies[name])


def _mean(shares: Iterable[NDArray[np.float64]]) -> NDArray[np.intp]:
    """Return the class whose probability is highest on average."""
    return np.asarray(np.mean(list(shares), axis=0).argmax(axis=1))


def _accuracy(predicted: NDArray[Any], part: Part) -> float:
    return float(np.mean(predicted == part.y))


def _objective(load: Load) -> CompareEnsembles:
    return CompareEnsembles(load())


DIFFERENT_MODELS = Experiment(
    name="different-models",
    question="Is an ensemble of different models better than the best of them?",
    claim="An ensemble of independent models, their probabilities averaged or by vote, is better by 1 to 2 %.",
    settings=SETTINGS,
    objective=_objective,
    figures=[
        Mean(f"{what}, {setting} (points)", "1 to 2", f"{name}_gain", setting, 1.0, 2.0, digits=2)
        for setting in SETTINGS
        for name, what in GAINS.items()
    ],
    views=[
        Metrics(
            {shown: f"{name}_accuracy" for name, shown in SHOWN.items()}, setting, f"accuracy on held-out images (%), {setting}"
        )
        for setting in SETTINGS
    ],
    seeds=10,
    source="document D (model ensembles), after the notes of Stanford CS231n",
)
