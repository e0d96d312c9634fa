"""Visible watermarks by a ConvNeXt-T that was trained for it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from annotators.base import Card
from annotators.torch.timm_classifier import TimmClassifier
from annotators.torch.weights import Tensors
from annotators.torch.whole_squares import whole_square
from annotators.weights import Weight

SIDE = 256


class ConvNext(TimmClassifier):
    """A ConvNeXt-T whose head has two hidden layers; classes are clean and watermark.

    Published under the names of ConvNeXt's authors (https://github.com/facebookresearch/ConvNeXt), which timm knows.
    """

    card = Card(
        kind="watermark",
        name="convnext-tiny",
        version=1,
        summary="probability of a visible watermark by boomb0om's ConvNeXt-T",
        model="boomb0om/watermark-detectors, convnext-tiny_watermarks_detector",
        licence="BSD-3-Clause",
        source="https://huggingface.co/boomb0om/watermark-detectors",
        protocol="whole picture to 256 x 256 (bilinear, proportions not kept), ImageNet's mean and deviation; no flip",
        output="probability in [0, 1]; its owner calls 0.5 and more a watermark",
        weights=(
            Weight("hf:boomb0om/watermark-detectors@main:convnext-tiny_watermarks_detector.pth", "", 113_000_000),
        ),
        packages={"torch": "torch", "timm": "torch", "torchvision": "torch"},
        speed="fast",
        preset="modern",
    )
    architecture: ClassVar[str] = "convnext_tiny"
    sizes: ClassVar[dict[str, Any]] = {}
    """Of the body, where they are not the architecture's own."""
    index = 1

    def network(self) -> Any:
        import timm
        from torch import nn

        body: Any = timm.create_model(self.architecture, num_classes=2, **self.sizes)
        body.head.fc = nn.Sequential(
            nn.Linear(body.num_features, 512),
            nn.GELU(),
            nn.Linear(512, 256),
            nn.GELU(),
            nn.Linear(256, 2),
        )
        return body

    def renamed(self, tensors: Tensors, network: Any) -> Tensors:
        from timm.models.convnext import checkpoint_filter_fn

        try:
            found: Tensors = checkpoint_filter_fn(tensors, network)
        except KeyError:  # it has blocks that the network has not: loading says so
            return tensors
        return found

    def input(self, rgb: np.ndarray) -> Any:
        return whole_square(rgb, SIDE)
