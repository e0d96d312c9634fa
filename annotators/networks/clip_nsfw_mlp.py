"""The head of LAION's CLIP-based NSFW detector for ViT-L/14 (https://github.com/LAION-AI/CLIP-based-NSFW-Detector)."""

from __future__ import annotations

from torch import Tensor, nn, ones, zeros

WIDTH = 768
"""Of the embeddings that it was trained on."""
EPSILON = 1e-10
"""Beside the deviation, as in the published PyTorch code."""


class Standardised(nn.Module):
    """Numbers less the mean and over the deviation that each had in training."""

    mean: Tensor
    variance: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", zeros(WIDTH))
        self.register_buffer("variance", ones(WIDTH))

    def forward(self, vectors: Tensor) -> Tensor:
        return (vectors - self.mean) / (self.variance.sqrt() + EPSILON)


class ClipNsfwMlp(nn.Module):
    """Three hidden layers, as AutoKeras found them, under the names of the published PyTorch weights."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = Standardised()
        self.linear_1 = nn.Linear(WIDTH, 64)
        self.linear_2 = nn.Linear(64, 512)
        self.linear_3 = nn.Linear(512, 256)
        self.linear_4 = nn.Linear(256, 1)

    def forward(self, embeddings: Tensor) -> Tensor:
        """float (n,): probabilities.

        Args:
            embeddings: float (n, 768), of length 1.
        """
        hidden = self.norm(embeddings)
        for layer in (self.linear_1, self.linear_2, self.linear_3):
            hidden = layer(hidden).relu()
        probabilities: Tensor = self.linear_4(hidden)[:, 0].sigmoid()
        return probabilities
