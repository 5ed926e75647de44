"""The same task in hpsearch, scikit-learn and Optuna: how many lines each takes, and what each gives."""
