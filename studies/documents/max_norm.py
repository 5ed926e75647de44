"""Is dropout better than plain L2, and does bounding the norm of each unit's weights help it?

Settings and published figures stand in `hpsearch.reproductions.documents.max_norm`; `hpsearch reproduce max-norm` runs
this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.max_norm import MAX_NORM

study = MAX_NORM.study()

if __name__ == "__main__":
    main(study)
