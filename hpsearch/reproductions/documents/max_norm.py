"""Dropout with bounded weights, the "modified form of L2" that it was published with, on a wide hidden layer."""

from hpsearch.nn.schedules import Linear
from hpsearch.objectives import TrainNetwork
from hpsearch.reproductions.experiment import Experiment, Load
from hpsearch.reproductions.figures import Gain, OneSeed
from hpsearch.reproductions.network_objectives import Watched
from hpsearch.reproductions.views import ByEpoch, BySetting

NONE, L2, DROPOUT, BOTH = "none", "L2", "dropout", "dropout, L2"
TIGHT, LOOSE = "dropout, norm 1.5", "dropout, norm 2"
PUBLISHED = {NONE: 98.4, LOOSE: 98.7}
IMAGES, EPOCHS = 10_000, 40
_OTHER = "other protocol: 10,000 of 60,000 images, 40 epochs"
_PLAIN = {"l2": 0.0, "dropout": 0.0, "input_dropout": 0.0, "max_norm": None}
_THINNED = {"dropout": 0.5, "input_dropout": 0.2}


def objective(load: Load, hidden: int = 800, epochs: int = EPOCHS) -> Watched:
    """Return the objective: 800 ReLU units, softmax, momentum 0.9 and a rate that falls from 0.1 to 0."""
    train = TrainNetwork(
        load().for_reproduction().at_most(train=IMAGES),
        hidden=hidden,
        activation="relu",
        init="he",
        cost="log_likelihood",
        learning_rate=0.1,
        momentum=0.9,
        batch_size=100,
        schedule=Linear(),
        epochs=epochs,
        monitor_every=5,
    )
    return Watched(train)


MAX_NORM = Experiment(
    name="max-norm",
    question="Is dropout better than plain L2, and does bounding the norm of each unit's weights help it?",
    claim="The best plain network reaches 98.4 % of the test images; with dropout and a form of L2 it is 98.7 %.",
    settings={
        NONE: _PLAIN,
        L2: {**_PLAIN, "l2": 5.0},
        DROPOUT: {**_PLAIN, **_THINNED},
        BOTH: {**_PLAIN, **_THINNED, "l2": 5.0},
        TIGHT: {**_PLAIN, **_THINNED, "max_norm": 1.5},
        LOOSE: {**_PLAIN, **_THINNED, "max_norm": 2.0},
    },
    objective=objective,
    figures=[
        *(
            OneSeed(f"best test accuracy, {name}", value, "best_accuracy", name, digits=2, shown=f"{value} %", note=_OTHER)
            for name, value in PUBLISHED.items()
        ),
        Gain("what dropout with norm 2 brings over none", "best_accuracy", LOOSE, NONE, published=98.7 - 98.4),
        Gain("what dropout brings over none", "best_accuracy", DROPOUT, NONE),
        Gain("what L2 brings over none", "best_accuracy", L2, NONE),
        Gain("what dropout with norm 2 brings over L2", "best_accuracy", LOOSE, L2),
        Gain("what norm 1.5 brings over dropout alone", "best_accuracy", TIGHT, DROPOUT),
        Gain("what norm 2 brings over dropout alone", "best_accuracy", LOOSE, DROPOUT),
        Gain("what L2 brings over dropout alone", "best_accuracy", BOTH, DROPOUT),
    ],
    views=[
        ByEpoch("validation_accuracy", "accuracy on test images (%)", factor=100, ends=(95.5, 98)),
        BySetting("best_accuracy", "test accuracy of the best epoch (%)"),
    ],
    seeds=5,
    source="Nielsen, Neural Networks and Deep Learning, ch. 3, after Hinton et al. (2012), arXiv 1207.0580",
)
