"""Aesthetic scores by Aesthetic Predictor V2.5, a head on SigLIP."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from annotators.base import Card
from annotators.torch.head_on_tower import HeadOnTower
from annotators.torch.siglip import SiglipImages
from annotators.weights import Contents, Weight

SIGLIP = Weight("hf:google/siglip-so400m-patch14-384@main", "", 3_520_000_000, contents=Contents("siglip"))
HEAD = Weight(
    "https://github.com/discus0434/aesthetic-predictor-v2-5/raw/3125a9e1f275092432ffc336f2908eda812c373c/models/"
    "aesthetic_predictor_v2_5.pth",
    "",
    5_287_000,
)


class SiglipMlp(HeadOnTower):
    """One score a picture."""

    card = Card(
        kind="aesthetic",
        name="siglip",
        version=1,
        summary="Aesthetic Predictor V2.5: SigLIP So400m and an MLP, also good with illustrations",
        model="discus0434/aesthetic-predictor-v2-5, aesthetic_predictor_v2_5, on google/siglip-so400m-patch14-384",
        licence="AGPL-3.0 (head); Apache-2.0 (SigLIP, Google)",
        source="https://github.com/discus0434/aesthetic-predictor-v2-5; SigLIP from https://huggingface.co/google",
        protocol="whole picture to 384 x 384 (proportions not kept), values in [-1, 1]; embedding at length 1; no flip",
        output="a score on its own scale, about 1 to 10; its owner calls 5.5 and more very good",
        weights=(SIGLIP, HEAD),
        packages={"torch": "torch", "transformers": "torch", "torchvision": "torch"},
        speed="slow",
        preset="modern",
    )
    width: ClassVar[int] = 1152
    """Of the embeddings that the head was trained on."""
    gpu_batch = 32

    def images(self, weights: Path) -> SiglipImages:
        return SiglipImages.of(weights)

    def head(self) -> Any:
        from annotators.networks.siglip_aesthetic_mlp import SiglipAestheticMlp

        return SiglipAestheticMlp(self.width)
