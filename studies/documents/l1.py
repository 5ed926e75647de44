"""Is there a strength at which L1 beats no regularisation, with 30 hidden neurons?

Settings and published figures stand in `hpsearch.reproductions.documents.l1`; `hpsearch reproduce l1` runs this same
study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.l1 import L1

study = L1.study()

if __name__ == "__main__":
    main(study)
