"""Does a neuron that is badly wrong learn slowly, and does the cross-entropy mend it?

Settings and published figures stand in `hpsearch.reproductions.documents.one_neuron`; `hpsearch reproduce one-neuron`
runs this same study, or takes its record, and sets the published figures beside it.
"""

from hpsearch import main
from hpsearch.reproductions.documents.one_neuron import ONE_NEURON

study = ONE_NEURON.study()

if __name__ == "__main__":
    main(study)
