"""Dropout with bounded weights on all 60,000 images, trained for long, as its source did: rectified and sigmoid units."""

from dataclasses import replace

from hpsearch.data import Dataset, Part
from hpsearch.nn.initializers import Normal
from hpsearch.nn.schedules import Linear
from hpsearch.objectives import TrainNetwork
from hpsearch.reproductions.experiment import Experiment, Load
from hpsearch.reproductions.figures import Claim
from hpsearch.reproductions.network_objectives import Watched
from hpsearch.reproductions.views import ByEpoch

PUBLISHED, EPOCHS = 98.7, 600
# Rate and first weights were chosen on validation images, by trainings of three epochs.
UNITS = {
    "ReLU": {"activation": "relu", "learning_rate": 0.05, "momentum": 0.95, "max_norm": 3.0, "init": Normal(2**0.5)},
    "sigmoid": {"activation": "sigmoid", "learning_rate": 0.3, "momentum": 0.9, "max_norm": 15**0.5, "init": Normal(1.0)},
}


def objective(load: Load, hidden: tuple[int, ...] = (800, 800), epochs: int = EPOCHS) -> Watched:
    """Return the objective: dropout in all layers, softmax outputs, a rate that falls to 0 in equal steps."""
    train = TrainNetwork(
        _all_images(load()),
        hidden=hidden,
        cost="log_likelihood",
        batch_size=100,
        schedule=Linear(),
        epochs=epochs,
        dropout=0.5,
        input_dropout=0.2,
        monitor_every=5,
    )
    return Watched(train)


def _all_images(dataset: Dataset) -> Dataset:
    """Return all images but the test images to train on, and the test images to score: nothing is chosen by them."""
    return replace(dataset.for_reproduction(), train=Part.join([dataset.train, dataset.validation]))


MAX_NORM_LONG = Experiment(
    name="max-norm-long",
    question="Does dropout with bounded weights reach the published accuracy on all 60,000 images?",
    claim="A plain network with 98.4 % reaches 98.7 % of the test images by dropout with a bound on each unit's weights.",
    settings=UNITS,
    objective=objective,
    figures=[
        Claim(f"test accuracy {when}, {units}", f"{PUBLISHED} %", metric, units, low=PUBLISHED)
        for units in UNITS
        for when, metric in (("at the end", "last_accuracy"), ("of the best epoch", "best_accuracy"))
    ],
    views=[ByEpoch("validation_accuracy", "accuracy on test images (%)", factor=100, ends=(97, 99))],
    seeds=1,
    source="Nielsen, Neural Networks and Deep Learning, ch. 3, after Hinton et al. (2012), arXiv 1207.0580",
)
