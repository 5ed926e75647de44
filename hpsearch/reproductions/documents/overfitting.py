"""A network trained on 1,000 images for 400 epochs, without and with weight decay."""

from hpsearch.reproductions.experiment import Experiment, network
from hpsearch.reproductions.figures import Claim, Gain, OneSeed
from hpsearch.reproductions.views import PENALISED, ByEpoch

NONE, DECAY = "no decay", "L2, lambda 0.1"
OVERFITTING = Experiment(
    name="overfitting",
    question="When does a network trained on 1,000 images stop getting better on others, and does weight decay help?",
    claim="1,000 images are learnt by heart: the test cost turns near epoch 15, the accuracy stands from 280 on; L2 helps.",
    settings={NONE: {"l2": 0.0}, DECAY: {"l2": 0.1}},
    objective=network(test=True, training=True, train_size=1000, learning_rate=0.5, epochs=400, init="large"),
    figures=[
        OneSeed("best test accuracy", 82.27, "best_accuracy", NONE),
        OneSeed("best training accuracy", 100.0, "best_training_accuracy", NONE),
        OneSeed("epoch of the lowest test cost", 15, "lowest_cost_epoch", NONE, unit="", digits=0, shown="about 15"),
        OneSeed(
            "first epoch within 0.05 points of that best", 280, "near_best_epoch", NONE, unit="", digits=0, shown="about 280"
        ),
        Claim("fall of the training cost in the last third (nats)", "it falls still", "late_fall", NONE, low=0),
        OneSeed("best test accuracy, lambda 0.1", 87.1, "best_accuracy", DECAY, digits=1),
        Gain("what L2 brings", "best_accuracy", DECAY, NONE, published=87.1 - 82.27),
        Gain("what L2 brings at epoch 400", "last_accuracy", DECAY, NONE),
    ],
    views=[
        ByEpoch("validation_accuracy", "accuracy on test images (%)", {NONE: [(280, 82.21), (375, 82.27)]}, 100, (70, 90)),
        ByEpoch("validation_cost", "cost on test images (nats)", {NONE: [(15, 1.203)]}),
        ByEpoch("full_training_accuracy", "accuracy on training images (%)", {}, 100, (90, 100.5)),
        ByEpoch(PENALISED, "training cost with penalty (nats)", {}, ends=(0, 1)),
    ],
    seeds=10,
)
