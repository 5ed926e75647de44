"""One after the other, as in the book: which learning rate, decay and mini-batch size suit 30 hidden neurons on MNIST?"""

from hpsearch import Choice, Float, Space, Study, data, main
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import InTurn

study = Study(
    name="mnist-in-turn",
    space=Space(
        # The training cost falls up to a rate of about 2: hpsearch rate studies/mnist_in_turn.py --rows 5000
        learning_rate=Float(0.01, 10.0, log=True),
        l2=Choice(0.0, 0.1, 1.0, 10.0, 100.0),
        batch_size=Choice(10, 20, 50, 100),
    ),
    objective=TrainNetwork(data.mnist(), hidden=(30,), epochs=10),
    strategy=InTurn(("learning_rate", "l2", "learning_rate", "batch_size"), trials=32),
    seed=0,
)

if __name__ == "__main__":
    main(study)
