"""People by D-FINE, a real-time detection transformer."""

from __future__ import annotations

from annotators.base import Card
from annotators.person.transformers_detector import TransformersDetector
from annotators.weights import Contents, Weight


class DFine(TransformersDetector):
    """Person boxes of D-FINE-X (Peng et al., "D-FINE", ICLR 2025), trained on Objects365, then on COCO."""

    model_class = "DFineForObjectDetection"
    processor_class = "RTDetrImageProcessor"
    gpu_batch = 16

    card = Card(
        kind="person",
        name="d-fine",
        version=1,
        summary="person boxes by D-FINE-X (Objects365, then COCO)",
        model="ustc-community/dfine-xlarge-obj2coco",
        licence="Apache-2.0",
        source="https://huggingface.co/ustc-community/dfine-xlarge-obj2coco",
        protocol="whole picture resized to 640 x 640 (bilinear), its proportions not kept, values in [0, 1]",
        output=(
            "of the 300 best pairs of box and class those of class person, with the class's sigmoid, clipped to the picture; "
            "trained not to give one person twice, so without suppression"
        ),
        weights=(Weight("hf:ustc-community/dfine-xlarge-obj2coco@main", "", 252_000_000, contents=Contents("d_fine")),),
        packages={"torch": "torch", "transformers": "torch", "torchvision": "torch"},
        speed="medium",
        preset="modern",
    )
