"""People by YOLOS-Tiny, the detector of HyperHuman's paper."""

from __future__ import annotations

from annotators.base import Card
from annotators.person.transformers_detector import TransformersDetector
from annotators.weights import Contents, Weight


class YolosTiny(TransformersDetector):
    """Person boxes of YOLOS-Tiny (Fang et al., "You Only Look at One Sequence", NeurIPS 2021), trained on COCO."""

    model_class = "YolosForObjectDetection"
    processor_class = "YolosImageProcessor"
    gpu_batch = 16

    card = Card(
        kind="person",
        name="yolos-tiny",
        version=1,
        summary="person boxes by YOLOS-Tiny (COCO), as in HyperHuman's paper",
        model="hustvl/yolos-tiny",
        licence="Apache-2.0",
        source="https://huggingface.co/hustvl/yolos-tiny",
        protocol=(
            "whole picture, shorter side to 512 and longer to 1333 at most, both cut down to multiples of 16 (bilinear), "
            "ImageNet mean and deviation; never padded, since the network has no mask for it"
        ),
        output=(
            "boxes whose most probable class is person, with its softmax probability, clipped to the picture; no suppression of "
            "overlapping boxes, as published"
        ),
        weights=(Weight("hf:hustvl/yolos-tiny@main", "", 26_000_000, contents=Contents("yolos")),),
        packages={"torch": "torch", "transformers": "torch", "torchvision": "torch"},
        speed="medium",
        preset="paper",
    )
