"""First weights of standard deviation 1 against 1/sqrt(inputs)."""

from hpsearch.reproductions.experiment import Experiment, network
from hpsearch.reproductions.figures import Claim, Gain, OneSeed
from hpsearch.reproductions.views import ByEpoch, BySetting

LARGE, SCALED = "large", "1/sqrt(inputs)"
# (epoch, % of the validation images) as the document draws them.
PUBLISHED = {
    LARGE: [(1, 86.43), (5, 92.99), (10, 94.49), (20, 95.92), (30, 96.37)],
    SCALED: [(1, 92.70), (5, 95.37), (10, 95.94), (20, 96.34), (30, 96.50)],
}

INITIALISERS = Experiment(
    name="initialisers",
    question="Do small first weights make a network better, or only quicker?",
    claim="The first epoch ends below 87 % from large weights and near 93 % from small ones; in the end both pass 96 %.",
    settings={LARGE: {"init": "large"}, SCALED: {"init": "scaled"}},
    objective=network(learning_rate=0.1, l2=5.0, epochs=30),
    figures=[
        OneSeed("first epoch, large", 86.43, "first_accuracy", LARGE),
        OneSeed("first epoch, 1/sqrt(inputs)", 92.70, "first_accuracy", SCALED),
        OneSeed("last epoch, large", 96.37, "last_accuracy", LARGE),
        OneSeed("last epoch, 1/sqrt(inputs)", 96.50, "last_accuracy", SCALED),
        Claim("best epoch of each seed (%), large", "beyond 96", "best_accuracy", LARGE, low=96),
        Claim("best epoch of each seed (%), 1/sqrt(inputs)", "beyond 96", "best_accuracy", SCALED, low=96),
        Gain("small weights over large, first epoch", "first_accuracy", SCALED, LARGE, published=92.70 - 86.43),
        Gain("small weights over large, last epoch", "last_accuracy", SCALED, LARGE, published=96.50 - 96.37),
    ],
    views=[
        ByEpoch("validation_accuracy", "accuracy on validation images (%)", PUBLISHED, 100, (84, 98)),
        BySetting("last_accuracy", "validation accuracy of the last epoch (%)", {LARGE: 96.37, SCALED: 96.50}),
    ],
    seeds=10,
)
