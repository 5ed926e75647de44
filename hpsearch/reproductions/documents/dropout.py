"""Dropout on a wide hidden layer, under the document's two usual learning rates."""

from hpsearch.reproductions.experiment import Experiment, network
from hpsearch.reproductions.figures import Gain, OneSeed
from hpsearch.reproductions.views import ByEpoch, BySetting

NONE, DROPOUT = "none, rate 0.1", "dropout 0.5, rate 0.1"
NONE_QUICK, DROPOUT_QUICK = "none, rate 0.5", "dropout 0.5, rate 0.5"
PUBLISHED = {NONE: 98.4, DROPOUT: 98.7, NONE_QUICK: 98.4, DROPOUT_QUICK: 98.7}
# What differs from the paper; which of it matters is not tested.
_OTHER = "other protocol: 15 epochs, 50,000 images, plain L2"

DROPOUT_800 = Experiment(
    name="dropout",
    question="Does leaving out half of 800 hidden neurons in every step make a better network?",
    claim="The best plain network reaches 98.4 % of the test images; with dropout and a form of L2 it is 98.7 %.",
    settings={
        NONE: {"dropout": 0.0, "learning_rate": 0.1},
        DROPOUT: {"dropout": 0.5, "learning_rate": 0.1},
        NONE_QUICK: {"dropout": 0.0, "learning_rate": 0.5},
        DROPOUT_QUICK: {"dropout": 0.5, "learning_rate": 0.5},
    },
    objective=network(test=True, hidden=800, l2=5.0, epochs=15),
    figures=[
        *(
            OneSeed(f"best test accuracy, {name}", value, "best_accuracy", name, digits=2, shown=f"{value} %", note=_OTHER)
            for name, value in PUBLISHED.items()
        ),
        Gain("what dropout brings, rate 0.1", "best_accuracy", DROPOUT, NONE, published=98.7 - 98.4),
        Gain("what dropout brings, rate 0.5", "best_accuracy", DROPOUT_QUICK, NONE_QUICK, published=98.7 - 98.4),
    ],
    views=[
        ByEpoch("validation_accuracy", "accuracy on test images (%)", factor=100, ends=(94, 99)),
        BySetting("best_accuracy", "test accuracy of the best epoch (%)", PUBLISHED),
    ],
    seeds=3,
    source="Nielsen, Neural Networks and Deep Learning, ch. 3, after Hinton et al. (2012), arXiv 1207.0580",
)
