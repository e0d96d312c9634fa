"""What every estimator that runs on PyTorch stands on. Importing a module of this package imports no torch."""
