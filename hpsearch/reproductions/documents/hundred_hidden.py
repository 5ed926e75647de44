"""A hundred hidden neurons with weight decay: the document's best networks."""

from hpsearch.reproductions.experiment import Experiment, network
from hpsearch.reproductions.figures import Gain, OneSeed
from hpsearch.reproductions.views import ByEpoch, BySetting

SHORT, LONG = "rate 0.5, 30 epochs", "rate 0.1, 60 epochs"
PUBLISHED = {SHORT: 97.92, LONG: 98.04}

HUNDRED_HIDDEN = Experiment(
    name="hundred-hidden",
    question="How far do 100 hidden neurons with weight decay get?",
    claim="97.92 % on validation images after 30 epochs, and beyond 98 % with a smaller rate and 60 epochs.",
    settings={SHORT: {"learning_rate": 0.5, "epochs": 30}, LONG: {"learning_rate": 0.1, "epochs": 60}},
    objective=network(hidden=100, l2=5.0, init="large"),
    figures=[
        *(OneSeed(f"best validation accuracy, {name}", value, "best_accuracy", name) for name, value in PUBLISHED.items()),
        Gain("the smaller rate over the larger", "best_accuracy", LONG, SHORT, published=98.04 - 97.92),
    ],
    views=[
        ByEpoch("validation_accuracy", "accuracy on validation images (%)", factor=100, ends=(93, 98.5)),
        BySetting("best_accuracy", "validation accuracy of the best epoch (%)", PUBLISHED),
    ],
    seeds=3,
)
