"""The documents' figures on judging models: cross-validation, the bootstrap, overfitting curves, and arms tuned one by one.

Source of the first two: James, Witten, Hastie and Tibshirani (2013), An introduction to statistical learning, chapter 5. Their
data are simulated and not published as numbers. Where ours are other data, the reproduction says so.
"""
