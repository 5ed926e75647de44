"""Which linear classifier is better on MNIST, softmax or hinge, and with which rate and decay?"""

from hpsearch import Choice, Float, Space, Study, data, main
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import Random

study = Study(
    name="mnist-linear",
    space=Space(
        cost=Choice("log_likelihood", "hinge"),
        learning_rate=Float(1e-3, 1.0, log=True),
        l2=Float(0.1, 1000.0, log=True),
    ),
    objective=TrainNetwork(data.mnist(), hidden=(), epochs=10, batch_size=50),
    strategy=Random(trials=32),
    confirm=4,
    seed=0,
)

# The picture, the weights of each class: hpsearch plot mnist-linear weights
if __name__ == "__main__":
    main(study)
