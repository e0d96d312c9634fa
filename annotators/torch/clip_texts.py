"""Pictures and texts through both towers of a CLIP model of open_clip."""

from __future__ import annotations

from pathlib import Path

from annotators.torch.clip_images import ClipImages, whole
from annotators.torch.towers import Pair, Tokens
from humanverse.torchvision_operators import prepare_torchvision

START_AND_END = 2
"""Tokens that stand around a text's own."""


class ClipTexts:
    """CLIP's byte-pair encoding, whose vocabulary ships inside open_clip, with lower case: ``annotators.torch.towers.Texts``.

    Args:
        architecture: open_clip's name of the model, which says how many tokens it reads.
    """

    def __init__(self, architecture: str) -> None:
        prepare_torchvision()
        import open_clip

        self._encode = open_clip.SimpleTokenizer(
            context_length=open_clip.get_model_config(architecture)["text_cfg"].get("context_length", 77)
        )

    def tokens(self, text: str) -> Tokens:
        """A text as open_clip encodes it; of one that is too long the beginning, with the end token put last."""
        (ids,) = self._encode([text])
        return Tokens(ids, len(self._encode.encode(text)) + START_AND_END > len(ids))


def pair(architecture: str, weights: Path) -> Pair:
    """Both towers of a model that open_clip knows.

    Raises:
        WeightError: as ``annotators.torch.clip_images.whole``.
    """
    from annotators.networks.two_towers import ClipTowers

    model, transform = whole(architecture, weights)
    return Pair(ClipTowers(model), ClipImages(model.visual, transform), ClipTexts(architecture))
