"""How is a trained network best used for other classes or images, of which there are few or many?

Settings and claims stand in `hpsearch.reproductions.documents.transfer`; `hpsearch reproduce transfer` runs this same study, or
takes its record, and sets the claims beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.transfer import TRANSFER

study = TRANSFER.study()

if __name__ == "__main__":
    main(study)
