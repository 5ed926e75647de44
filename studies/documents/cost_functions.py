"""Does the cross-entropy classify better than the quadratic cost, with 30 and with 100 hidden neurons?

Settings and published figures stand in `hpsearch.reproductions.documents.cost_functions`; `hpsearch reproduce cost-
functions` runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.cost_functions import COST_FUNCTIONS

study = COST_FUNCTIONS.study()

if __name__ == "__main__":
    main(study)
