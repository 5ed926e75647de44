"""Which mini-batch size reaches a given accuracy soonest on MNIST, with the rate in proportion to it?"""

from hpsearch import Choice, Space, Study, data, main
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import Grid

study = Study(
    name="batch-sizes",
    space=Space(batch_size=Choice(1, 10, 100)),
    objective=TrainNetwork(data.mnist(), hidden=(30,), epochs=20, learning_rate=0.1, reference_batch_size=10),
    strategy=Grid(),
    replicates=3,
    seed=0,
)

# Accuracy over elapsed time: hpsearch plot batch-sizes curves --over seconds --by batch_size
if __name__ == "__main__":
    main(study)
