"""What estimators call before they import torchvision; see ``humanverse.torchvision_operators``."""

from __future__ import annotations

from humanverse.torchvision_operators import own_operators_load, prepare_torchvision

__all__ = ["own_operators_load", "prepare_torchvision"]
