"""Catalogue of all reproductions, by name."""

from __future__ import annotations

from hpsearch.errors import SettingError, did_you_mean, must_be
from hpsearch.reproductions.bergstra.grid_vs_random import GRID_VS_RANDOM
from hpsearch.reproductions.documents.chance_level import CHANCE_LEVEL
from hpsearch.reproductions.documents.cost_functions import COST_FUNCTIONS
from hpsearch.reproductions.documents.decay_of_large_weights import DECAY_OF_LARGE_WEIGHTS
from hpsearch.reproductions.documents.degree_nine import DEGREE_NINE
from hpsearch.reproductions.documents.different_models import DIFFERENT_MODELS
from hpsearch.reproductions.documents.dropout import DROPOUT_800
from hpsearch.reproductions.documents.expansion import EXPANSION
from hpsearch.reproductions.documents.hundred_hidden import HUNDRED_HIDDEN
from hpsearch.reproductions.documents.initialisers import INITIALISERS
from hpsearch.reproductions.documents.l1 import L1
from hpsearch.reproductions.documents.l2_all_images import L2_ALL_IMAGES
from hpsearch.reproductions.documents.ladder import LADDER
from hpsearch.reproductions.documents.max_norm import MAX_NORM
from hpsearch.reproductions.documents.max_norm_long import MAX_NORM_LONG
from hpsearch.reproductions.documents.one_neuron import ONE_NEURON
from hpsearch.reproductions.documents.overfitting import OVERFITTING
from hpsearch.reproductions.documents.pixels_and_features import PIXELS_AND_FEATURES
from hpsearch.reproductions.documents.random_weights import RANDOM_WEIGHTS
from hpsearch.reproductions.documents.stuck import STUCK
from hpsearch.reproductions.documents.three_rates import THREE_RATES
from hpsearch.reproductions.documents.transfer import TRANSFER
from hpsearch.reproductions.documents.vanishing_gradient import VANISHING_GRADIENT
from hpsearch.reproductions.experiment import Experiment
from hpsearch.reproductions.judging.bootstrap import BOOTSTRAP_SHARE
from hpsearch.reproductions.judging.cross_validation import CROSS_VALIDATION
from hpsearch.reproductions.judging.each_arm_tuned import EACH_ARM_TUNED
from hpsearch.reproductions.judging.validation_set import VALIDATION_SET
from hpsearch.reproductions.reproduction import Reproduction
from hpsearch.reproductions.svm.svm_vs_network import SVM_VS_NETWORK

# In the order of the document; each is also a study of its own in studies/documents.
EXPERIMENTS: tuple[Experiment, ...] = (
    ONE_NEURON,
    COST_FUNCTIONS,
    OVERFITTING,
    L2_ALL_IMAGES,
    HUNDRED_HIDDEN,
    L1,
    DROPOUT_800,
    MAX_NORM,
    MAX_NORM_LONG,
    EXPANSION,
    INITIALISERS,
    CHANCE_LEVEL,
    LADDER,
    THREE_RATES,
    VANISHING_GRADIENT,
    DEGREE_NINE,
    STUCK,
    DECAY_OF_LARGE_WEIGHTS,
    RANDOM_WEIGHTS,
    TRANSFER,
    VALIDATION_SET,
    CROSS_VALIDATION,
    BOOTSTRAP_SHARE,
    DIFFERENT_MODELS,
    PIXELS_AND_FEATURES,
)
REPRODUCTIONS: tuple[Reproduction, ...] = (
    GRID_VS_RANDOM,
    SVM_VS_NETWORK,
    EACH_ARM_TUNED,
    *(one.reproduction for one in EXPERIMENTS),
)


def find_reproduction(name: str) -> Reproduction:
    """Return the reproduction of that name.

    Raises:
        SettingError: there is none.
    """
    known = {one.name: one for one in REPRODUCTIONS}
    if name not in known:
        advice = f"Take one of them.{did_you_mean(name, known)}"
        raise SettingError(must_be("NAME", f"all, or one of {', '.join(known)}", name, advice))
    return known[name]


named = find_reproduction  # the earlier name
