"""The head of Aesthetic Predictor V2.5 (https://github.com/discus0434/aesthetic-predictor-v2-5)."""

from __future__ import annotations

from torch import Tensor, nn

WIDTH = 1152
"""Of the embeddings that it was trained on."""


class SiglipAestheticMlp(nn.Module):
    """Five linear layers without anything between them but dropout, which only training has: a linear function of the embedding.

    The dropouts stay in their places because the published tensors are numbered by them.
    """

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.scoring_head = nn.Sequential(
            nn.Linear(width, 1024),
            nn.Dropout(0.5),
            nn.Linear(1024, 128),
            nn.Dropout(0.5),
            nn.Linear(128, 64),
            nn.Dropout(0.5),
            nn.Linear(64, 16),
            nn.Dropout(0.2),
            nn.Linear(16, 1),
        )

    def forward(self, embeddings: Tensor) -> Tensor:
        """float (n,): scores, about 1 to 10.

        Args:
            embeddings: float (n, width), of length 1.
        """
        scores: Tensor = self.scoring_head(embeddings)[:, 0]
        return scores
