"""Does ten-fold cross-validation choose the degree of a logistic regression, and the K of nearest neighbours?

Settings and published figures stand in `hpsearch.reproductions.judging.cross_validation`; `hpsearch reproduce cross-validation`
runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.judging.cross_validation import CROSS_VALIDATION

study = CROSS_VALIDATION.study()

if __name__ == "__main__":
    main(study)
