"""What does the training cost do under a small, a middle and a high learning rate?

Settings and published figures stand in `hpsearch.reproductions.documents.three_rates`; `hpsearch reproduce three-
rates` runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.three_rates import THREE_RATES

study = THREE_RATES.study()

if __name__ == "__main__":
    main(study)
