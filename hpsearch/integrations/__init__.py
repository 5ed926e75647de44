"""Checkpoints for the trainings of other libraries, as callbacks: LightGBM, XGBoost, Keras, PyTorch Lightning.

A library is imported when its callback is made, so only those that an objective uses have to be installed.
"""
