"""What goes wrong if weight decay is learnt by descent on the training cost?"""

from hpsearch import Float, Space, Study, data, main
from hpsearch.objectives import TrainUnrolled
from hpsearch.strategies import FollowSlope

study = Study(
    name="decay-on-training",
    question="What goes wrong if weight decay is learnt by descent on the training cost?",
    space=Space(learning_rate=Float(0.01, 10.0, log=True), l2=Float(1e-4, 10.0, log=True)),
    objective=TrainUnrolled(data.digits().at_most(100, 359), hidden=(30,), epochs=200, batch_size=20, against="training"),
    strategy=FollowSlope(trials=48),
    seed=0,
)

if __name__ == "__main__":
    main(study)
