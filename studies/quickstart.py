"""Which learning rate, decay and momentum suit a small network on handwritten digits?"""

from hpsearch import Choice, Float, Space, Study, data, main
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import Random

study = Study(
    name="quickstart",
    space=Space(
        learning_rate=Float(1e-2, 10.0, log=True),
        l2=Float(1e-3, 10.0, log=True),
        momentum=Float(0.0, 0.95),
        batch_size=Choice(10, 20, 50),
        activation=Choice("sigmoid", "tanh", "relu"),
    ),
    objective=TrainNetwork(data.digits(), hidden=(30,), epochs=15, monitor_training=True),
    strategy=Random(trials=32),
    seed=0,
)

if __name__ == "__main__":
    main(study)
