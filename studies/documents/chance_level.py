"""What do a learning rate of 10 and a lambda of 1000 leave of a network?

Settings and published figures stand in `hpsearch.reproductions.documents.chance_level`; `hpsearch reproduce chance-
level` runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.chance_level import CHANCE_LEVEL

study = CHANCE_LEVEL.study()

if __name__ == "__main__":
    main(study)
