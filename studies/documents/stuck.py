"""Does weight decay make runs from other first weights come out alike?

Settings and published figures stand in `hpsearch.reproductions.documents.stuck`; `hpsearch reproduce stuck`
runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.stuck import STUCK

study = STUCK.study()

if __name__ == "__main__":
    main(study)
