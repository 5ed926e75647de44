"""From chance level upwards: which changes of rate and decay give a reduced problem its first signal?

Settings and published figures stand in `hpsearch.reproductions.documents.ladder`; `hpsearch reproduce ladder` runs this same
study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.ladder import LADDER

study = LADDER.study()

if __name__ == "__main__":
    main(study)
