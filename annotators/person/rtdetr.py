"""People by RT-DETR, a real-time detection transformer."""

from __future__ import annotations

from annotators.base import Card
from annotators.person.transformers_detector import TransformersDetector
from annotators.weights import Contents, Weight


class RtDetr(TransformersDetector):
    """Person boxes of RT-DETRv2-X (Lv et al., "RT-DETRv2: Improved Baseline with Bag-of-Freebies for Real-Time Detection
    Transformer", 2024), trained on COCO."""

    model_class = "RTDetrV2ForObjectDetection"
    processor_class = "RTDetrImageProcessor"
    gpu_batch = 16

    card = Card(
        kind="person",
        name="rt-detr",
        version=1,
        summary="person boxes by RT-DETRv2-X (COCO)",
        model="PekingU/rtdetr_v2_r101vd",
        licence="Apache-2.0",
        source="https://huggingface.co/PekingU/rtdetr_v2_r101vd",
        protocol="whole picture resized to 640 x 640 (bilinear), its proportions not kept, values in [0, 1]",
        output=(
            "of the 300 best pairs of box and class those of class person, with the class's sigmoid, clipped to the picture; "
            "trained not to give one person twice, so without suppression"
        ),
        weights=(Weight("hf:PekingU/rtdetr_v2_r101vd@main", "", 307_000_000, contents=Contents("rt_detr_v2")),),
        packages={"torch": "torch", "transformers": "torch", "torchvision": "torch"},
        speed="slow",
        preset="modern",
    )
