"""Published comparisons, run again: `hpsearch reproduce` lists and runs them.

REPRODUCTIONS, find_reproduction     all of them, and one by its name
EXPERIMENTS                          those that are experiments of one document
Experiment, Reproduction             what one is made of
Options, Reproduced, Row             how one is run, and what it returns
"""

from hpsearch.reproductions.catalogue import EXPERIMENTS, REPRODUCTIONS, find_reproduction
from hpsearch.reproductions.experiment import Experiment
from hpsearch.reproductions.reproduction import Options, Reproduced, Reproduction, Row

__all__ = [
    "EXPERIMENTS",
    "REPRODUCTIONS",
    "Experiment",
    "Options",
    "Reproduced",
    "Reproduction",
    "Row",
    "find_reproduction",
]
