"""Which learning rate, decay, momentum, batch size and schedule suit a network of 100 hidden neurons on MNIST?"""

from hpsearch import Choice, Float, Int, Space, Study, data, main
from hpsearch.nn.schedules import Constant, HalveOnPlateau
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import Random

study = Study(
    name="mnist-random",
    space=Space(
        learning_rate=Float(1e-3, 10.0, log=True),
        l2=Float(1e-2, 1e2, log=True),
        momentum=Float(0.0, 0.99),
        batch_size=Choice(10, 20, 50, 100),
        schedule=Choice(Constant(), HalveOnPlateau(patience=Int(2, 10))),
    ),
    objective=TrainNetwork(data.mnist(), hidden=(100,), activation="relu", cost="log_likelihood", epochs=5),
    strategy=Random(trials=16),
    seed=0,
)

if __name__ == "__main__":
    main(study)
