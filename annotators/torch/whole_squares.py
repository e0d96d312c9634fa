"""Whole pictures as squares, their proportions not kept: the input of classifiers that were trained on such."""

from __future__ import annotations

from typing import Any

import numpy as np

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


def whole_square(rgb: np.ndarray, side: int) -> Any:
    """Float tensor (3, side, side) of a picture, less ImageNet's mean and over its deviation.

    Resized with PIL (bilinear, averaging where it shrinks), which is what torchvision's ``Resize((side, side))`` does with a
    picture of PIL.

    Args:
        rgb: uint8 (height, width, 3).
        side: pixels.
    """
    import torch
    from PIL import Image

    small = Image.fromarray(rgb).resize((side, side), Image.Resampling.BILINEAR)
    values = (np.asarray(small, np.float32) / 255 - IMAGENET_MEAN) / IMAGENET_DEVIATION
    return torch.from_numpy(values).permute(2, 0, 1)
