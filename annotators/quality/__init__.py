"""Figures measured on the pixels: the ``quality`` layer."""
