"""Search strategies: each proposes batches of trials and is one frozen dataclass in one file."""

from hpsearch.strategies.bayesian import Bayesian
from hpsearch.strategies.freeze_thaw import FreezeThaw
from hpsearch.strategies.gaussian_process import GaussianProcess
from hpsearch.strategies.grid import Grid
from hpsearch.strategies.halving import Halving, Hyperband
from hpsearch.strategies.quasirandom import QuasiRandom
from hpsearch.strategies.random import Random
from hpsearch.strategies.staged import Staged

__all__ = ["Bayesian", "FreezeThaw", "GaussianProcess", "Grid", "Halving", "Hyperband", "QuasiRandom", "Random", "Staged"]
