"""Do small first weights make a network better, or only quicker?

Settings and published figures stand in `hpsearch.reproductions.documents.initialisers`; `hpsearch reproduce
initialisers` runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.initialisers import INITIALISERS

study = INITIALISERS.study()

if __name__ == "__main__":
    main(study)
