"""Estimators of surface normals: the ``normal`` layer."""
