"""Is an ensemble of different models better than the best of them?

Settings and published figures stand in `hpsearch.reproductions.documents.different_models`;
`hpsearch reproduce different-models` runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.different_models import DIFFERENT_MODELS

study = DIFFERENT_MODELS.study()

if __name__ == "__main__":
    main(study)
