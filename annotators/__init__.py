"""Estimators and what wraps them: one folder per kind, one class in one file per estimator, and their
registry."""
