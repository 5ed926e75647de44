"""Trained networks as MLflow models."""
