"""When does a network trained on 1,000 images stop getting better on others, and does weight decay help?

Settings and published figures stand in `hpsearch.reproductions.documents.overfitting`; `hpsearch reproduce
overfitting` runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.overfitting import OVERFITTING

study = OVERFITTING.study()

if __name__ == "__main__":
    main(study)
