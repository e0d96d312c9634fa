"""Parts of people and clothes by SegFormer."""

from __future__ import annotations

from annotators.base import Card
from annotators.torch.segmentation import TransformersSegmentation
from annotators.weights import Contents, Weight

ATR = (
    *("Background", "Hat", "Hair", "Sunglasses", "Upper-clothes", "Skirt", "Pants", "Dress", "Belt", "Left-shoe"),
    *("Right-shoe", "Face", "Left-leg", "Right-leg", "Left-arm", "Right-arm", "Bag", "Scarf"),
)
"""The labels in the published model's settings, those of the ATR data set."""


class SegformerClothes(TransformersSegmentation):
    """18 labels: bare parts, clothes, shoes, bag, of all people in the picture together; or those of the weights given."""

    card = Card(
        kind="segmentation",
        name="segformer-clothes",
        version=1,
        summary="parts of people and clothes (18 labels) by SegFormer-B2",
        model="mattmdjaga/segformer_b2_clothes (SegFormer-B2, Xie et al. 2021, on ATR; 27.4 M parameters)",
        licence=(
            "MIT, as its owner states it; made from nvidia/mit-b2, whose own licence is for non-commercial research"
        ),
        source="https://huggingface.co/mattmdjaga/segformer_b2_clothes",
        protocol=(
            "whole picture to 512 x 512 (bilinear), RGB with ImageNet's mean and deviation, as the model's own settings "
            "say; scores resized to the map (bilinear), no flip"
        ),
        output=(
            f"label ids: {', '.join(f'{index} {name}' for index, name in enumerate(ATR))}; people are not told apart"
        ),
        weights=(Weight("hf:mattmdjaga/segformer_b2_clothes@main", "", 330_000_000, contents=Contents("segformer")),),
        packages={"torch": "torch", "transformers": "torch"},
        speed="slow",
        preset="modern",
    )
    halves = True
    gpu_batch = 32
    model_class = "SegformerForSemanticSegmentation"
    processor_class = "SegformerImageProcessorPil"
