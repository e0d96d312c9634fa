"""Models with a tower for pictures and one for texts, as one function of both; whatever library they come from."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class ClipTowers(nn.Module):
    """Both towers of a CLIP model of open_clip.

    Args:
        clip: that model.
    """

    def __init__(self, clip: Any) -> None:
        super().__init__()
        self.clip = clip

    def forward(self, pictures: Tensor, texts: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (n, width) of pictures (n, 3, side, side), and of texts (n, context) as token ids; not normalised."""
        return self.clip.encode_image(pictures), self.of_texts(texts)

    def of_texts(self, texts: Tensor) -> Tensor:
        """Vectors (n, width) of texts (n, context) as token ids; not normalised."""
        vectors: Tensor = self.clip.encode_text(texts)
        return vectors


class SiglipPictures(nn.Module):
    """The tower for pictures of a SigLIP model of transformers.

    Args:
        siglip: a ``SiglipModel``.
    """

    def __init__(self, siglip: Any) -> None:
        super().__init__()
        self.tower = siglip.vision_model

    def forward(self, pictures: Tensor) -> Tensor:
        """Vectors (n, width) of pictures (n, 3, height, width), pooled by the model's own attention; not normalised."""
        pooled: Tensor = self.tower(pixel_values=pictures).pooler_output
        return pooled


class SiglipTowers(nn.Module):
    """Both towers of a SigLIP model of transformers.

    Args:
        siglip: a ``SiglipModel``.
    """

    def __init__(self, siglip: Any) -> None:
        super().__init__()
        self.pictures = SiglipPictures(siglip)
        self.texts = siglip.text_model

    def forward(self, pictures: Tensor, texts: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (n, width) of pictures (n, 3, height, width), and of texts (n, context) as token ids; not normalised.

        The text's padding is read like its words, as in training: there is no mask.
        """
        return self.pictures(pictures), self.of_texts(texts)

    def of_texts(self, texts: Tensor) -> Tensor:
        """Vectors (n, width) of texts (n, context) as token ids; not normalised."""
        pooled: Tensor = self.texts(input_ids=texts).pooler_output
        return pooled
