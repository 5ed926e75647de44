"""Dropout with bounded weights on all 60,000 images, trained for long, as its source did: rectified and sigmoid units."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hpsearch.data import Dataset, Part
from hpsearch.nn.initializers import Normal
from hpsearch.nn.schedules import Linear
from hpsearch.objectives import TrainNetwork
from hpsearch.reproductions.curve_metrics import metric_value
from hpsearch.reproductions.experiment import Experiment, Load
from hpsearch.reproductions.figures import Claim, Found
from hpsearch.reproductions.network_objectives import Watched
from hpsearch.reproductions.views import ByEpoch

PUBLISHED, LAST = 98.7, 3000
EPOCHS = (600, 150, 40)
# Rate and first weights were chosen on validation images, by trainings of three epochs.
UNITS = {
    "ReLU": {"activation": "relu", "learning_rate": 0.05, "momentum": 0.95, "max_norm": 3.0, "init": Normal(2**0.5)},
    "sigmoid": {"activation": "sigmoid", "learning_rate": 0.3, "momentum": 0.9, "max_norm": 15**0.5, "init": Normal(1.0)},
}


def _name(units: str, epochs: int) -> str:
    return f"{units}, {epochs} epochs"


def objective(load: Load, hidden: tuple[int, ...] = (800, 800)) -> Watched:
    """Return the objective: dropout in all layers, softmax outputs, a rate that falls to 0 in equal steps."""
    train = TrainNetwork(
        _all_images(load()),
        hidden=hidden,
        cost="log_likelihood",
        batch_size=100,
        schedule=Linear(),
        dropout=0.5,
        input_dropout=0.2,
        monitor_every=5,
    )
    return Watched(train)


def _all_images(dataset: Dataset) -> Dataset:
    """Return all images but the test images to train on, and the test images to score: nothing is chosen by them."""
    return replace(dataset.for_reproduction(), train=Part.join([dataset.train, dataset.validation]))


def extrapolate(found: Found) -> Sequence[str]:
    """Say where the error at the end would be after the source's epochs, by a power law through the three budgets."""
    return [_extrapolated(found, units) for units in UNITS]


def _extrapolated(found: Found, units: str) -> str:
    errors = [100 - metric_value(found[_name(units, epochs)][0], "last_accuracy") for epochs in EPOCHS]
    slope, start = np.polyfit(np.log(EPOCHS), np.log(errors), 1)
    end = float(np.exp(start + slope * np.log(LAST)))
    return f"{units}: a power law through the three budgets has {100 - end:.2f} % after {LAST} epochs (one seed)."


MAX_NORM_LONG = Experiment(
    name="max-norm-long",
    question="Does dropout with bounded weights reach the published accuracy on all 60,000 images?",
    claim="A plain network with 98.4 % reaches 98.7 % of the test images by dropout with a bound on each unit's weights.",
    settings={_name(units, epochs): {**setting, "epochs": epochs} for epochs in EPOCHS for units, setting in UNITS.items()},
    objective=objective,
    figures=[
        Claim(f"test accuracy {when}, {_name(units, epochs)}", f"{PUBLISHED} %", metric, _name(units, epochs), low=PUBLISHED)
        for units in UNITS
        for epochs in EPOCHS
        for when, metric in (("at the end", "last_accuracy"), ("of the best epoch", "best_accuracy"))
    ],
    views=[ByEpoch("validation_accuracy", "accuracy on test images (%)", factor=100, ends=(97, 99))],
    seeds=1,
    conclude=extrapolate,
    source="Nielsen, Neural Networks and Deep Learning, ch. 3, after Hinton et al. (2012), arXiv 1207.0580",
)
