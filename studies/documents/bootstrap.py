"""Does the bootstrap find the standard error of the investment share from one sample of 100 pairs?

Settings and published figures stand in `hpsearch.reproductions.judging.bootstrap`; `hpsearch reproduce bootstrap`
runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.judging.bootstrap import BOOTSTRAP_SHARE

study = BOOTSTRAP_SHARE.study()

if __name__ == "__main__":
    main(study)
