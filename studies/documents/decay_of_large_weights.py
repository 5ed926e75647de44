"""Does weight decay turn large first weights into small ones, by exp(-eta lambda / m) an epoch until 1 / sqrt(n)?

Settings and published figures stand in `hpsearch.reproductions.documents.decay_of_large_weights`;
`hpsearch reproduce decay-of-large-weights` runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.decay_of_large_weights import DECAY_OF_LARGE_WEIGHTS

study = DECAY_OF_LARGE_WEIGHTS.study()

if __name__ == "__main__":
    main(study)
