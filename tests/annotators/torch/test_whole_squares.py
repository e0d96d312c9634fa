"""Whole pictures as squares are what the classifiers' owners make of them with torchvision."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from annotators.torch.whole_squares import whole_square
from humanverse.torchvision_operators import prepare_torchvision


@pytest.mark.parametrize("shape", [(120, 300), (300, 120), (40, 50)])
def test_a_square_is_torchvisions(shape: tuple[int, int]) -> None:
    prepare_torchvision()
    from torchvision import transforms

    theirs = transforms.Compose(
        [
            transforms.Resize((64, 64)),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    rgb = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
    torch.testing.assert_close(whole_square(rgb, 64), theirs(Image.fromarray(rgb)))
