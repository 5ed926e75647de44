"""Support vector machines against networks over the number of training rows."""

from hpsearch.reproductions.svm.svm_vs_network import SVM_VS_NETWORK

__all__ = [
    "SVM_VS_NETWORK",
]
