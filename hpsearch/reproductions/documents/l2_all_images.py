"""Weight decay on all 50,000 images."""

from hpsearch.reproductions.experiment import Experiment, network
from hpsearch.reproductions.figures import Gain, OneSeed
from hpsearch.reproductions.views import ByEpoch

NONE, DECAY = "no decay", "L2, lambda 5"
# (epoch, %) as the document draws them.
TEST = {
    NONE: [(1, 91.36), (10, 94.24), (20, 95.24), (30, 95.31)],
    DECAY: [(1, 92.12), (10, 95.38), (20, 96.34), (30, 95.61)],
}
TRAINING = {
    NONE: [(1, 91.42), (10, 95.65), (20, 97.39), (30, 97.86)],
    DECAY: [(1, 91.84), (10, 96.21), (20, 97.07), (30, 96.47)],
}

L2_ALL_IMAGES = Experiment(
    name="l2-all-images",
    question="What does weight decay bring where there are 50,000 images to learn from?",
    claim="With 50,000 images there is less overfitting, and L2 with lambda = 5 still brings a point.",
    settings={NONE: {"l2": 0.0}, DECAY: {"l2": 5.0}},
    objective=network(test=True, training=True, learning_rate=0.5, epochs=30, init="large"),
    figures=[
        OneSeed("best test accuracy, no decay", 95.33, "best_accuracy", NONE),
        OneSeed("best training accuracy, no decay", 97.86, "best_training_accuracy", NONE),
        OneSeed("best test accuracy, lambda 5", 96.49, "best_accuracy", DECAY),
        OneSeed("best training accuracy, lambda 5", 97.12, "best_training_accuracy", DECAY),
        Gain("what L2 brings", "best_accuracy", DECAY, NONE, published=96.49 - 95.33),
    ],
    views=[
        ByEpoch("validation_accuracy", "accuracy on test images (%)", TEST, 100, (90, 97)),
        ByEpoch("full_training_accuracy", "accuracy on training images (%)", TRAINING, 100, (90, 98.5)),
    ],
)
