"""Do histograms of colours and of oriented gradients serve a linear classifier better than pixels?

Settings and published figures stand in `hpsearch.reproductions.documents.pixels_and_features`;
`hpsearch reproduce pixels-and-features` runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.pixels_and_features import PIXELS_AND_FEATURES

study = PIXELS_AND_FEATURES.study()

if __name__ == "__main__":
    main(study)
