"""Estimators of which part of a person each pixel shows: the ``segmentation`` layer."""
