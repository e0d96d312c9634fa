"""What is the same on the cards of the lite structure estimator's two annotators."""

from __future__ import annotations

from typing import Any

from annotators.structure.estimator import WEIGHTS


def facts() -> dict[str, Any]:
    """Fields of ``annotators.base.Card``."""
    return {
        "version": 1,
        "model": "this project's LiteStructureNet (3.55 M parameters), and MediaPipe's selfie segmentation",
        "licence": "Apache-2.0, both; trained on bodies of anny (Apache-2.0, shapes CC0)",
        "source": "this package (python -m pipelines.lite_structure makes it), and https://github.com/google-ai-edge/mediapipe",
        "protocol": (
            "a square of 1.15 x what the person boxes cover together, 192 x 192; beside its pixels the drawn poses, the boxes "
            "and a mask of people; flip test"
        ),
        "weights": WEIGHTS,
        "needs": ("person", "pose"),
        "packages": {"onnxruntime": "lite", "ai_edge_litert": "lite", "cv2": ""},
        "speed": "fast",
        "preset": "lite",
    }
