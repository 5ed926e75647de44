"""What do distorted copies of the training images bring to a network of 800 hidden neurons?

Settings and published figures stand in `hpsearch.reproductions.documents.expansion`; `hpsearch reproduce expansion` runs
this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.expansion import EXPANSION

study = EXPANSION.study()

if __name__ == "__main__":
    main(study)
