"""Estimators of keypoints: the ``pose`` layer, and what its estimators share."""
