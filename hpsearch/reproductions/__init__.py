"""Published comparisons, run again: one file each, listed in `hpsearch.reproductions.catalogue`."""
