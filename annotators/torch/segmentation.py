"""Parts of people by any model of transformers that says a score for each label at each pixel.

As the models' owners do it, the scores are resized (bilinear) to the map's size and the best one wins there: ids are never
averaged. The map has the picture's proportions, its longer side that of the picture or ``map_side``; where it is smaller than
what the network says, scores are averaged by area (antialiasing) before they are compared.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from annotators.base import Row
from annotators.cache import WeightError
from annotators.torch.dense import DenseAnnotator, View
from annotators.torch.pretrained import model, processor
from annotators.weights import obtain
from schemas.layers import BACKGROUND_LABEL, UNKNOWN_LABEL

_BACKGROUND = "background"
_UNNAMED = "LABEL_"
"""How transformers names labels for which its user gave no name."""


def labels_of(folder: Path, published: Sequence[str]) -> list[str]:
    """What the ids of a model are, from 0 on.

    Args:
        folder: with the model's ``config.json``.
        published: the names that its owners publish elsewhere, which hold where the settings have none and as many ids.

    Raises:
        WeightError: if nobody says, there are more than 255, one is there twice, or 0 is not the background.
    """
    path = folder / "config.json"
    try:
        said = {int(key): str(name) for key, name in json.loads(path.read_bytes())["id2label"].items()}
        names = [said[index] for index in range(len(said))]
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise WeightError(f"{path} does not name the labels 0, 1, … in id2label") from error
    if all(name == f"{_UNNAMED}{index}" for index, name in enumerate(names)) and len(names) == len(published):
        names = list(published)
    if len(names) > UNKNOWN_LABEL or len({*names}) < len(names):
        raise WeightError(f"{path} has more than {UNKNOWN_LABEL} labels, or one of them twice")
    if not names or names[BACKGROUND_LABEL].casefold() != _BACKGROUND:
        raise WeightError(f"label {BACKGROUND_LABEL} in {path} is not {_BACKGROUND}, as a segmentation layer needs it")
    return names


class TransformersSegmentation(DenseAnnotator):
    """Base: give the names of the model's and its processor's class.

    The processor resizes and normalises as its settings say; it shows the model the whole picture.
    """

    model_class: ClassVar[str]
    processor_class: ClassVar[str]
    published: ClassVar[Sequence[str]] = ()
    """The labels' names, where the owners publish them elsewhere than in the model's settings."""

    def labels(self) -> list[str]:
        """What the ids are, from 0 on."""
        return labels_of(obtain(self.weights[0]), self.published)

    def describes(self) -> dict[str, Any]:
        return {"labels": self.labels()}

    def build(self) -> Any:
        folder = obtain(self.weights[0])
        self._names = self.labels()
        self._processor = processor(self.processor_class, folder)
        return model(self.model_class, folder, self.dtype)

    def view(self, rgb: np.ndarray) -> View:
        height, width = rgb.shape[:2]
        shown = self._processor(images=rgb, input_data_format="channels_last", return_tensors="pt")
        return View(shown["pixel_values"][0], (0.0, 0.0, float(width), float(height)))

    def forward(self, batch: Any) -> Any:
        """Float tensor (n, labels, height, width), the scores."""
        return self.model(pixel_values=batch).logits

    def maps(self, batch: Any, views: Sequence[View]) -> list[np.ndarray]:
        return [self._ids(scores, view) for scores, view in zip(self.forward(batch).float(), views, strict=True)]

    def _ids(self, scores: Any, view: View) -> np.ndarray:
        """uint8 (height, width), the label with the highest score at each pixel of the map."""
        import torch

        rows, columns = view.shown(*scores.shape[-2:])
        x0, y0, x1, y1 = view.box
        scale = min(1.0, self.settings.map_side / max(x1 - x0, y1 - y0))
        size = [max(1, round(length * scale)) for length in (y1 - y0, x1 - x0)]
        resized = torch.nn.functional.interpolate(
            scores[None, :, rows, columns], size=size, mode="bilinear", align_corners=False, antialias=True
        )
        ids: np.ndarray = resized[0].argmax(dim=0).to(torch.uint8).cpu().numpy()
        return ids

    def row(self, values: np.ndarray) -> Row:
        return {"map": values, "label_names": [self._names[label] for label in np.unique(values)]}
