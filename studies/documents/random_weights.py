"""How far do random weights of a linear classifier get in 1,000 tries, beside following the slope?

Settings and published figures stand in `hpsearch.reproductions.documents.random_weights`; `hpsearch reproduce random-weights`
runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.random_weights import RANDOM_WEIGHTS

study = RANDOM_WEIGHTS.study()

if __name__ == "__main__":
    main(study)
