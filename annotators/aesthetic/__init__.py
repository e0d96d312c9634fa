"""Estimators of how much people like a picture: the ``aesthetic`` layer."""
