"""Does leaving out half of 800 hidden neurons in every step make a better network?

Settings and published figures stand in `hpsearch.reproductions.documents.dropout`; `hpsearch reproduce dropout` runs
this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.dropout import DROPOUT_800

study = DROPOUT_800.study()

if __name__ == "__main__":
    main(study)
