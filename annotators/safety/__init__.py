"""Estimators of unsafe content: the ``safety`` layer."""
