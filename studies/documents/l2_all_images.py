"""What does weight decay bring where there are 50,000 images to learn from?

Settings and published figures stand in `hpsearch.reproductions.documents.l2_all_images`; `hpsearch reproduce l2-all-
images` runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.l2_all_images import L2_ALL_IMAGES

study = L2_ALL_IMAGES.study()

if __name__ == "__main__":
    main(study)
