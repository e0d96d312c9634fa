"""The head of the improved aesthetic predictor (https://github.com/christophschuhmann/improved-aesthetic-predictor)."""

from __future__ import annotations

from torch import Tensor, nn

WIDTH = 768
"""Of the embeddings that it was trained on."""


class AestheticMlp(nn.Module):
    """Five linear layers without anything between them but dropout, which only training has: a linear function of the embedding.

    The dropouts stay in their places because the published tensors are numbered by them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(WIDTH, 1024),
            nn.Dropout(0.2),
            nn.Linear(1024, 128),
            nn.Dropout(0.2),
            nn.Linear(128, 64),
            nn.Dropout(0.1),
            nn.Linear(64, 16),
            nn.Linear(16, 1),
        )

    def forward(self, embeddings: Tensor) -> Tensor:
        """float (n,): scores, about 1 to 10.

        Args:
            embeddings: float (n, 768), of length 1.
        """
        scores: Tensor = self.layers(embeddings)[:, 0]
        return scores
