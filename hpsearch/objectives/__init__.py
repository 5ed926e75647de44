"""Objectives: train and score a network, a scikit-learn estimator or a support vector machine, also by cross-validation."""

from hpsearch.objectives.crossvalidation import CrossValidate
from hpsearch.objectives.estimator import TuneEstimator
from hpsearch.objectives.network import TrainNetwork
from hpsearch.objectives.recurrent import TrainRNN
from hpsearch.objectives.svm import TrainSVM
from hpsearch.objectives.unrolled import TrainUnrolled

__all__ = ["CrossValidate", "TrainNetwork", "TrainRNN", "TrainSVM", "TrainUnrolled", "TuneEstimator"]
