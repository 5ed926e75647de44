"""Do the first layers of a deep network learn slowest, and by how much?

Settings and published figures stand in `hpsearch.reproductions.documents.vanishing_gradient`; `hpsearch reproduce
vanishing-gradient` runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.vanishing_gradient import VANISHING_GRADIENT

study = VANISHING_GRADIENT.study()

if __name__ == "__main__":
    main(study)
