"""Estimators of written text: the ``text`` layer."""
