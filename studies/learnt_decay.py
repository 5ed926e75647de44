"""Do learning rate and decay found by descent on the validation cost serve a network on 100 digits?"""

from hpsearch import Float, Space, Study, data, main
from hpsearch.objectives import TrainUnrolled
from hpsearch.strategies import FollowSlope

study = Study(
    name="learnt-decay",
    question="Do learning rate and decay found by descent on the validation cost serve a network on 100 digits?",
    space=Space(learning_rate=Float(0.01, 10.0, log=True), l2=Float(1e-4, 10.0, log=True)),
    objective=TrainUnrolled(data.digits().at_most(100, 359), hidden=(30,), epochs=200, batch_size=20),
    strategy=FollowSlope(trials=48),
    seed=0,
)

if __name__ == "__main__":
    main(study)
