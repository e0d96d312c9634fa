"""The lite structure estimator: depth and normals of people at once, by a small network that ships with the package."""
