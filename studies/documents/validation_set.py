"""How far are a validation set, 5 or 10 folds and leaving one out from the true error, and how much do they vary?

Settings and published figures stand in `hpsearch.reproductions.judging.validation_set`; `hpsearch reproduce validation-set`
runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.judging.validation_set import VALIDATION_SET

study = VALIDATION_SET.study()

if __name__ == "__main__":
    main(study)
