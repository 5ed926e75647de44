"""Settings under which nothing is learnt."""

from hpsearch.reproductions.experiment import Experiment, network
from hpsearch.reproductions.figures import Claim, OneSeed
from hpsearch.reproductions.views import ByEpoch

ONLY = "rate 10, lambda 1000"

CHANCE_LEVEL = Experiment(
    name="chance-level",
    question="What do a learning rate of 10 and a lambda of 1000 leave of a network?",
    claim="With rate 10 and lambda 1000 the network guesses: about 10 % after every epoch.",
    settings={ONLY: {"learning_rate": 10.0, "l2": 1000.0}},
    objective=network(epochs=30),
    figures=[
        OneSeed("mean accuracy of the epochs", 9.98, "mean_accuracy", ONLY, shown="9.98 % (of the six printed)"),
        # Naming one digit always is right for 9.15 % of the validation images with the rarest, 10.90 % with the most frequent.
        Claim("its lowest epoch (%), one digit named always: 9.15 or more", "9.67 printed", "lowest_accuracy", ONLY, low=9.149),
        Claim("its best epoch (%), one digit named always: 10.90 or less", "10.30 printed", "best_accuracy", ONLY, high=10.901),
    ],
    views=[
        ByEpoch(
            "validation_accuracy",
            "accuracy on validation images (%)",
            {ONLY: [(1, 10.30), (2, 9.90), (3, 10.09), (28, 10.09), (29, 9.83), (30, 9.67)]},
            100,
            (0, 20),
        )
    ],
    seeds=3,
    # lambda / n is what matters, and a smoke run has 500 images instead of 50,000.
    small={ONLY: {"learning_rate": 10.0, "l2": 10.0}},
)
