"""Which rate, momentum and mini-batch suit 100 hidden units on MNIST?"""

import os

from hpsearch import Study, data, main
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import Random
from tests.benchmarks.whole_search.settings import EPOCHS, HIDDEN, SPACE

study = Study(
    name="whole-search",
    space=SPACE,
    objective=TrainNetwork(data.mnist(), hidden=(HIDDEN,), epochs=EPOCHS),
    strategy=Random(trials=int(os.environ["TRIALS"])),
    seed=0,
)

if __name__ == "__main__":
    main(study)
