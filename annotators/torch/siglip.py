"""Pictures and texts through the towers of a SigLIP or SigLIP 2 model of transformers, of a fixed resolution."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from annotators.cache import Contents, Weight, WeightError
from annotators.torch.pretrained import model, processor
from annotators.torch.towers import Pair, Tokens
from humanverse.errors import one_line

SIGLIP2 = Weight("hf:google/siglip2-so400m-patch14-384@main", "", 4_580_000_000, contents=Contents("siglip"))
"""SigLIP 2 So400m, both towers (1.14 billion parameters, a quarter of them Gemma's vocabulary), with its tokenizer."""
MODEL = "SiglipModel"
DEFAULT_WIDTH = 768
"""Of the vectors, where a model's ``config.json`` does not say it (transformers' ``SiglipVisionConfig``)."""


class SiglipImages:
    """A SigLIP model's tower for pictures and the pictures that it wants: ``annotators.torch.towers.Images``.

    Args:
        siglip: a ``SiglipModel``.
        folder: that it is from.

    Raises:
        WeightError: if no settings for pictures lie there.
    """

    def __init__(self, siglip: Any, folder: Path) -> None:
        from annotators.networks.two_towers import SiglipPictures

        self.tower = SiglipPictures(siglip)
        self._processor = processor("SiglipImageProcessor", folder)

    @classmethod
    def of(cls, folder: Path) -> SiglipImages:
        """The tower for pictures of the model in ``folder``.

        Raises:
            WeightError: if there is none, or not all of it.
        """
        return cls(model(MODEL, folder), folder)

    def input(self, rgb: np.ndarray) -> Any:
        """Float tensor (3, side, side) of a picture, uint8 (height, width, 3), as ``preprocessor_config.json`` says."""
        made = self._processor(images=np.array(rgb), input_data_format="channels_last", return_tensors="pt")
        return made["pixel_values"][0]


class Siglip2Texts:
    """SigLIP 2's texts: lower case, Gemma's vocabulary, an end token, padded behind: ``annotators.torch.towers.Texts``.

    SigLIP 2 was trained on text in lower case (https://github.com/google-research/big_vision, ``lower`` before ``tok``). Gemma's
    own tokenizer, which ``tokenizer_config.json`` names, does not do that; transformers' ``Siglip2Tokenizer`` does.

    Args:
        folder: that the model is in, with ``tokenizer.json``.
        context: how many tokens it reads.

    Raises:
        WeightError: if there is no such tokenizer, or it does not end texts with its end token.
    """

    def __init__(self, folder: Path, context: int) -> None:
        if not (folder / "tokenizer.json").is_file():
            raise WeightError(f"{folder} has no tokenizer.json: give the whole folder of a SigLIP 2 model")
        self._tokenizer, self._context = processor("Siglip2Tokenizer", folder), context
        if self._tokenizer("a").input_ids[-1] != self._tokenizer.eos_token_id:
            raise WeightError(f"{folder} has a tokenizer that puts no end token behind a text: it is not SigLIP 2's")

    def tokens(self, text: str) -> Tokens:
        """A text as the model reads it; of one that is too long the beginning, with the end token put last."""
        made = self._tokenizer(
            text,
            padding="max_length",
            padding_side="right",
            truncation=True,
            max_length=self._context,
            return_tensors="pt",
        )
        return Tokens(made["input_ids"][0], len(self._tokenizer(text, verbose=False).input_ids) > self._context)


def pair(folder: Path) -> Pair:
    """Both towers of the SigLIP 2 model in ``folder``.

    Raises:
        WeightError: if there is none, or not all of it.
    """
    from annotators.networks.two_towers import SiglipTowers

    siglip = model(MODEL, folder)
    texts = Siglip2Texts(folder, siglip.config.text_config.max_position_embeddings)
    return Pair(SiglipTowers(siglip), SiglipImages(siglip, folder), texts)


def width(folder: Path) -> int:
    """How wide the vectors of the model in ``folder`` are, read from ``config.json``.

    Raises:
        WeightError: if that is not there, or not a model's.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return int(config.get("vision_config", {}).get("hidden_size", DEFAULT_WIDTH))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise WeightError(f"{folder} has no config.json of a model ({one_line(error, 120)})") from error
