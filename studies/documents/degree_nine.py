"""Ten points near y = 2x: which predicts, the line, or the polynomial of degree nine that passes through them all?

Settings and published figures stand in `hpsearch.reproductions.documents.degree_nine`; `hpsearch reproduce degree-nine`
runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.degree_nine import DEGREE_NINE

study = DEGREE_NINE.study()

if __name__ == "__main__":
    main(study)
