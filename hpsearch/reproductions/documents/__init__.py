"""The document's experiments with networks, one file each: settings, published figures, and what the picture shows.

Published figures are those printed in the text, and those in the data files of its figures
(github.com/mnielsen/neural-networks-and-deep-learning, folder fig), which hold one seed of each training.
"""
