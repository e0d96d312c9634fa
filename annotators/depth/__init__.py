"""Estimators of depth: the ``depth`` layer."""
