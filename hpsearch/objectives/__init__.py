"""What a trial does: data and fixed settings go in, and params become an outcome."""

from hpsearch.objectives.crossvalidation import CrossValidate
from hpsearch.objectives.estimator import TuneEstimator
from hpsearch.objectives.network import TrainNetwork
from hpsearch.objectives.svm import TrainSVM

__all__ = ["CrossValidate", "TrainNetwork", "TrainSVM", "TuneEstimator"]
