"""How far do 100 hidden neurons with weight decay get?

Settings and published figures stand in `hpsearch.reproductions.documents.hundred_hidden`; `hpsearch reproduce
hundred-hidden` runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.hundred_hidden import HUNDRED_HIDDEN

study = HUNDRED_HIDDEN.study()

if __name__ == "__main__":
    main(study)
