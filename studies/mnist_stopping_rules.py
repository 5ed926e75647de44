"""Which rule ends a training with the fewest epochs, and what does it cost in validation accuracy?"""

from hpsearch import Choice, Space, Study, data, main
from hpsearch.nn.stopping import NoImprovement, SmallGain
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import Grid

study = Study(
    name="mnist-stopping-rules",
    space=Space(
        stopping=Choice(
            None,
            NoImprovement(patience=5),
            NoImprovement(patience=10),
            NoImprovement(patience=20),
            NoImprovement(patience=50),
            SmallGain(gain=0.05, patience=10),
            SmallGain(gain=0.05, patience=20),
            SmallGain(gain=0.05, patience=50),
        ),
        learning_rate=Choice(0.03, 0.1, 0.3, 1.0),
    ),
    objective=TrainNetwork(data.mnist(train=3_000, validation=5_000), hidden=(50,), l2=1.0, epochs=150, cost="log_likelihood"),
    strategy=Grid(),
    replicates=5,  # the rules see the same five trainings of each rate, and end them at different epochs
    seed=0,
)

if __name__ == "__main__":
    main(study)
