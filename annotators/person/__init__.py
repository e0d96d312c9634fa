"""Estimators that find people: the ``person`` layer."""
