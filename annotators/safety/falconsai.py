"""Sexually explicit pictures by Falconsai's ViT."""

from __future__ import annotations

from annotators.base import Card
from annotators.torch.transformers_classifier import TransformersClassifier
from annotators.weights import Contents, Weight


class Falconsai(TransformersClassifier):
    """A ViT-B/16 with the labels ``normal`` and ``nsfw``."""

    label = "nsfw"
    card = Card(
        kind="safety",
        name="falconsai",
        version=1,
        summary="probability of content not safe for work by Falconsai's ViT-B",
        model="Falconsai/nsfw_image_detection",
        licence="Apache-2.0",
        source="https://huggingface.co/Falconsai/nsfw_image_detection",
        protocol="whole picture to 224 x 224 (bilinear, proportions not kept), values in [-1, 1]; no flip",
        output="probability of `nsfw` in [0, 1], as its owner labelled some 80,000 pictures; says nothing of age",
        weights=(Weight("hf:Falconsai/nsfw_image_detection@main", "", 343_000_000, contents=Contents("vit")),),
        packages={"torch": "torch", "transformers": "torch", "torchvision": "torch"},
        speed="medium",
    )
