"""Coarse to fine: which learning rate, decay and momentum suit 30 hidden neurons on MNIST, from ranges set by checks alone?"""

from hpsearch import Choice, Float, Space, Study, data, main
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import Staged

# No range for the learning rate: the checks before the search find the rate beyond which training fails, and set it.
study = Study(
    name="mnist-staged",
    space=Space(
        l2=Float(1e-2, 1e2, log=True),
        momentum=Float(0.0, 0.95),
        batch_size=Choice(10, 20, 50),
    ),
    objective=TrainNetwork(data.mnist(), hidden=(30,), cost="log_likelihood", epochs=8),
    strategy=Staged(trials=48, epochs=8),
    seed=0,
)

if __name__ == "__main__":
    main(study)
