"""Person boxes of an object detector of the transformers library: what all of them have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from annotators.base import Picture, Row, Unavailable
from annotators.cache import WeightError
from annotators.person.boxes import person_row
from annotators.torch.base import TorchAnnotator, TorchSettings
from annotators.torch.pretrained import model, processor
from annotators.weights import obtain


class DetectorSettings(TorchSettings):
    """Attributes:
    min_score: the floor of what is stored. Gates and views threshold higher.
    """

    min_score: float = Field(default=0.2, gt=0, le=1)


class TransformersDetector(TorchAnnotator):
    """Name the model's class and its processor's, and write the card, whose only weight is the model's folder.

    ``halves`` stays false: a box that comes out in bfloat16 is a multiple of 1/256 of the picture.
    """

    Settings = DetectorSettings
    settings: DetectorSettings

    model_class: ClassVar[str]
    """In transformers; answers with ``logits`` (n, queries, classes) and ``pred_boxes`` (n, queries, 4): center x and y, width
    and height as fractions of the picture."""
    processor_class: ClassVar[str]
    """In transformers; scales pictures, and turns the model's answers into boxes."""

    def build(self) -> Any:
        folder = obtain(self.weights[0])
        self.processor = processor(self.processor_class, folder)
        found = model(self.model_class, folder, self.dtype)
        self.person = person_label(found.config.id2label)
        return found

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        sizes = [picture.rgb.shape[:2] for picture in pictures]
        inputs = [self._input(picture.rgb) for picture in pictures]
        return self.through(inputs, lambda batch, positions: self._rows(batch, [sizes[index] for index in positions]))

    def _input(self, rgb: np.ndarray) -> Any:
        """A picture as the model wants it, float tensor (3, height, width), never padded."""
        made = self.processor(images=np.array(rgb), input_data_format="channels_last", return_tensors="pt")
        return made["pixel_values"][0]

    def _rows(self, batch: Any, sizes: Sequence[tuple[int, int]]) -> list[Row]:
        """The rows of pictures of ``sizes`` (height, width), in pixels."""
        said = self.model(pixel_values=batch)
        full = SimpleNamespace(logits=said.logits.float().cpu(), pred_boxes=said.pred_boxes.float().cpu())
        found = self.processor.post_process_object_detection(full, threshold=0.0, target_sizes=list(sizes))
        return [self._row(one, height, width) for one, (height, width) in zip(found, sizes, strict=True)]

    def _row(self, found: Mapping[str, Any], height: int, width: int) -> Row:
        people = (found["labels"] == self.person).numpy()
        boxes, scores = found["boxes"].numpy()[people], found["scores"].numpy()[people]
        return person_row(boxes, scores, width, height, self.settings.min_score)


def person_label(names: Mapping[int, str]) -> int:
    """The number of the class of people.

    Args:
        names: class number -> name, as a model's configuration has it.

    Raises:
        WeightError: if there is none, or more than one.
    """
    found = [number for number, name in names.items() if name.lower() == "person"]
    if len(found) != 1:
        raise WeightError(
            f"a detector of people needs one class called person: its {len(names)} classes have {len(found)}"
        )
    return int(found[0])
