"""Where do learning rate and decay act together, for a linear model, sigmoid units and rectified units?"""

from hpsearch import Choice, Float, Space, Study, data, main
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import Grid

study = Study(
    name="river",
    question="Where do learning rate and decay act together, for a linear model, sigmoid units and rectified units?",
    space=Space(
        learning_rate=Float(1e-3, 10.0, log=True),
        l2=Float(1e-2, 1e3, log=True),
        activation=Choice("linear", "sigmoid", "relu"),
    ),
    objective=TrainNetwork(data.mnist().at_most(train=5000), hidden=(30,), epochs=5),
    strategy=Grid(points={"learning_rate": 13, "l2": 11}),
    seed=0,
    replicates=3,
)

if __name__ == "__main__":
    main(study)
