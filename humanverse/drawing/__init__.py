"""Drawings that models are told by, as opposed to those that people look at (``humanverse.report.draw``)."""
