"""How good a network does one unattended minute on two cores find on MNIST?"""

from hpsearch import Auto, Float, Space, Study, data, main
from hpsearch.nn.schedules import Step
from hpsearch.objectives import TrainNetwork

study = Study(
    name="mnist-one-minute",
    space=Space(
        learning_rate=Float(1e-3, 1.0, log=True),
        l2=Float(1e-1, 1e2, log=True),
    ),
    # The rate is halved every third epoch, so that a training ends with the small steps that the first two tenths of a percent
    # above 98 % take.
    objective=TrainNetwork(
        data.mnist(),
        hidden=(200,),
        activation="relu",
        cost="log_likelihood",
        batch_size=20,
        schedule=Step(every=3, factor=0.5),
        epochs=18,
    ),
    strategy=Auto(seconds=60),
    seed=0,
)

if __name__ == "__main__":
    main(study)
