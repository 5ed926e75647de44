"""Does dropout with bounded weights reach the published accuracy on all 60,000 images?

Settings and published figures stand in `hpsearch.reproductions.documents.max_norm_long`; `hpsearch reproduce max-norm-long`
runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.max_norm_long import MAX_NORM_LONG

study = MAX_NORM_LONG.study()

if __name__ == "__main__":
    main(study)
