"""The training cost under three learning rates."""

from hpsearch.reproductions.experiment import Experiment, network
from hpsearch.reproductions.figures import OneSeed
from hpsearch.reproductions.views import PENALISED, ByEpoch

SMALL, MIDDLE, HIGH = "rate 0.025", "rate 0.25", "rate 2.5"
# (epoch, cost with its penalty) as the document draws them.
PUBLISHED = {
    SMALL: [(1, 0.878), (5, 0.518), (10, 0.431), (15, 0.392), (20, 0.371), (25, 0.354), (30, 0.339)],
    MIDDLE: [(1, 0.495), (5, 0.374), (10, 0.343), (15, 0.349), (20, 0.330), (25, 0.339), (30, 0.339)],
    HIGH: [(1, 0.925), (5, 0.781), (10, 0.801), (15, 0.799), (20, 0.750), (25, 0.804), (30, 0.861)],
}
# In how many of 29 epochs the published cost rises.
RISES = {SMALL: 0, MIDDLE: 12, HIGH: 14}
# By how much it falls from epoch 20 to 30.
LATE_FALLS = {SMALL: 0.031, MIDDLE: -0.009, HIGH: -0.110}

THREE_RATES = Experiment(
    name="three-rates",
    question="What does the training cost do under a small, a middle and a high learning rate?",
    claim="Under 0.025 the cost falls to the end, under 0.25 it stands after about 20 epochs, under 2.5 it swings at once.",
    settings={SMALL: {"learning_rate": 0.025}, MIDDLE: {"learning_rate": 0.25}, HIGH: {"learning_rate": 2.5}},
    objective=network(training=True, l2=5.0, epochs=30),
    figures=[
        *(
            OneSeed(f"cost after 30 epochs, {name}", points[-1][1], "last_cost", name, unit="", digits=3)
            for name, points in PUBLISHED.items()
        ),
        *(
            OneSeed(f"epochs of 29 in which it rises, {name}", count, "rises", name, unit="", digits=0)
            for name, count in RISES.items()
        ),
        *(
            OneSeed(f"fall of the cost in the last 10 epochs, {name}", fall, "late_fall", name, unit="", digits=3)
            for name, fall in LATE_FALLS.items()
        ),
    ],
    views=[ByEpoch(PENALISED, "training cost with penalty (nats)", PUBLISHED, ends=(0.25, 1.25))],
    seeds=10,
)
