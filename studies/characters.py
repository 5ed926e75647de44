"""How few bits per character does a small recurrent network need, and what do its hidden units remember?"""

from hpsearch import Choice, Float, Int, Space, Study, data, main
from hpsearch.nn.schedules import Constant, Cosine
from hpsearch.objectives import TrainRNN
from hpsearch.strategies import Bayesian

study = Study(
    name="characters",
    question="How few bits per character does a small recurrent network need, and what do its hidden units remember?",
    space=Space(
        learning_rate=Float(3e-4, 0.03, log=True),
        window=Int(5, 100),
        batch_size=Choice(8, 16, 32, 64),
        embedding=Choice(None, 16),
        schedule=Choice(Constant(), Cosine(end=0.02)),
    ),
    # A made text of 100,000 characters, the same on every machine: what is spoken is in capitals, and brackets are closed.
    objective=TrainRNN(data.tale(), hidden=100, epochs=20),
    strategy=Bayesian(trials=20, batch_size=2),
    seed=0,
)

if __name__ == "__main__":
    main(study)  # then: hpsearch plot characters unit
