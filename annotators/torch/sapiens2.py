"""Sapiens2 (Khirodkar et al., "Sapiens2", ICLR 2026): what its estimators have in common, and its maps of people.

Its networks for normals and points were trained on the pixels of people alone; what they say elsewhere means nothing, and the
owners blank it by a segmentation. So a map of theirs here needs a segmentation layer, any one, and has nothing where that layer
shows no part of a person.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from annotators.base import Picture, Row, Unavailable
from annotators.maps import people_in
from annotators.torch.dense import DenseAnnotator, View
from annotators.torch.pretrained import model, processor
from annotators.weights import obtain
from schemas.layers import OK

LICENCE = (
    "Sapiens2 License (Meta's own: https://github.com/facebookresearch/sapiens2/blob/main/LICENSE.md); it forbids some uses, "
    "among them surveillance and the operation of critical infrastructure: read it first"
)
PROCESSOR = "Sapiens2ImageProcessor"
PACKAGES = {"torch": "torch", "transformers": "torch", "torchvision": "torch"}
PADDED = (
    "whole picture into 768 x 1024 (width x height; bilinear, proportions kept, black around it), RGB with ImageNet's mean and "
    "deviation, as the model's own settings say; no flip"
)


def shown_whole(shown_by: Any, rgb: np.ndarray) -> View:
    """What Sapiens2's image processor shows a network of a picture, and where in it the picture is."""
    from transformers.image_utils import get_image_size_for_max_height_width

    height, width = rgb.shape[:2]
    pixels = shown_by(images=rgb, input_data_format="channels_last", return_tensors="pt")["pixel_values"][0]
    window = None
    if shown_by.do_pad:
        inside = get_image_size_for_max_height_width((height, width), *pixels.shape[-2:])
        top, left = ((outer - inner) // 2 for outer, inner in zip(pixels.shape[-2:], inside, strict=True))
        window = (left, top, left + inside[1], top + inside[0])
    return View(pixels, (0.0, 0.0, float(width), float(height)), window)


class MapsOfPeople(DenseAnnotator):
    """Base: give the name of the model's class, ``forward`` and ``row``."""

    model_class: ClassVar[str]

    def build(self) -> Any:
        folder = obtain(self.weights[0])
        self._processor = processor(PROCESSOR, folder)
        return model(self.model_class, folder, self.dtype)

    def view(self, rgb: np.ndarray) -> View:
        return shown_whole(self._processor, rgb)

    @abstractmethod
    def forward(self, batch: Any) -> Any:
        """As of ``DenseAnnotator``; what is said beside people is not used."""

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        said = needs["segmentation"]
        known = [index for index, row in enumerate(said) if row["status"] == OK]
        made = super().annotate([pictures[index] for index in known], {})
        answers: list[Row | Unavailable] = [
            Unavailable(f"where people are is not known: {row['reason'] or row['status']}") for row in said
        ]
        for index, answer in zip(known, made, strict=True):
            answers[index] = answer if isinstance(answer, Unavailable) else _of_people(answer, said[index])
        return answers


def _of_people(row: Row, said: Row) -> Row:
    """``row`` without what its map says beside the people of a segmentation's row."""
    values = np.array(row["map"], np.float32)
    values[~people_in(said, row["map_box"], values.shape[:2])] = np.nan
    return {**row, "map": values}
