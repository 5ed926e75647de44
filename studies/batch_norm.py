"""Which learning rates does a network bear with batch normalisation, and which without?"""

from hpsearch import Choice, Space, Study, data, main
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import Grid

study = Study(
    name="batch-norm",
    space=Space(batch_norm=Choice(False, True), learning_rate=Choice(0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)),
    objective=TrainNetwork(
        data.mnist(),
        hidden=(100, 100),
        activation="relu",
        init="he",
        cost="log_likelihood",
        batch_size=50,
        epochs=5,
        train_size=5000,
    ),
    strategy=Grid(),
    replicates=5,
    seed=0,
)

# The picture: hpsearch plot batch-norm map --x learning_rate --y batch_norm
if __name__ == "__main__":
    main(study)
