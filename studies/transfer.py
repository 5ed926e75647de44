"""Which layers of a network for the digits 0 to 4 help with 5 to 9, how long frozen, and at which rate?"""

from hpsearch import Choice, Float, Space, Study, data, main
from hpsearch.nn import train
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import Random

digits = data.digits()
# Or the path of a saved network, such as start="net.npz".
start = train(digits.only(range(5)).train, hidden=(30,), epochs=30)

study = Study(
    name="transfer-settings",
    space=Space(
        learning_rate=Float(0.03, 10.0, log=True),
        new_layers=Choice(1, 2),  # of two layers: 2 begins from scratch
        freeze=Choice(0, 1, when={"new_layers": 1}),
        freeze_epochs=Choice(None, 10, when={"freeze": 1}),  # None: throughout; 10: the linear layer first, then all
        lower_rate_factor=Float(0.01, 1.0, log=True, when={"freeze": 0}),
    ),
    objective=TrainNetwork(digits.only(range(5, 10)), hidden=(30,), epochs=30, train_size=25, start=start),
    strategy=Random(trials=40),
    replicates=3,
    seed=0,
)

# The picture: hpsearch plot transfer-settings slice
if __name__ == "__main__":
    main(study)
