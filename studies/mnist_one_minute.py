"""How good a network does one unattended minute on two cores find on MNIST?"""

from hpsearch import Auto, Float, Space, Study, data, main
from hpsearch.nn.schedules import Step
from hpsearch.objectives import TrainNetwork

# Auto picks FreezeThaw: most networks see the data once or three times, the best go on to 9 and 18 epochs. The rate is halved
# every third epoch, so that the last rung ends with the small steps that the first two tenths of a percent above 98 % take.
EPOCHS = 18

study = Study(
    name="mnist-one-minute",
    space=Space(
        learning_rate=Float(1e-3, 1.0, log=True),
        l2=Float(1e-1, 1e2, log=True),
    ),
    objective=TrainNetwork(
        data.mnist(),
        hidden=(200,),
        activation="relu",
        cost="log_likelihood",
        batch_size=20,
        schedule=Step(every=3, factor=0.5),
        epochs=EPOCHS,
    ),
    strategy=Auto(seconds=60),
    seed=0,
)

if __name__ == "__main__":
    main(study)
