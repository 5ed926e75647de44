"""A whole search, record and report included, beside Optuna with PyTorch and MLflow."""
