"""Up to which length does an encoder-decoder of two Elman cells learn to reverse strings that it has never seen?"""

import random

from hpsearch import Choice, Float, Int, Space, Study, data, main
from hpsearch.nn.schedules import Cosine
from hpsearch.objectives import TrainRNN
from hpsearch.strategies import Random

draw = random.Random(0)
strings = sorted({"".join(draw.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(draw.randint(1, 10))) for _ in range(6000)})

study = Study(
    name="reversed-strings",
    question="Up to which length does an encoder-decoder of two Elman cells learn to reverse strings that it has never seen?",
    space=Space(
        learning_rate=Float(1e-3, 0.02, log=True),
        hidden=Int(32, 128, log=True),
        batch_size=Choice(16, 32, 64),
        embedding=Choice(None, 8),
    ),
    objective=TrainRNN(
        data.sequences(strings, [text[::-1] for text in strings], "encoder-decoder", name="reversed"),
        epochs=20,
        schedule=Cosine(end=0.02),
        value="error",
    ),
    strategy=Random(trials=12),
    seed=0,
)

if __name__ == "__main__":
    main(study)
