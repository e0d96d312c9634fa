"""A pose estimator that looks at one person at a time: who is looked at, what is shown, and the row; the looking is its own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from pydantic import Field

from annotators.base import Annotator, Picture, Row, Settings, Unavailable
from annotators.pose.assembly import Skeleton, people_of, pose_row
from annotators.torch.batching import flattened, regrouped
from schemas.layers import OK


class PoseSettings(Settings):
    """Attributes:
    min_person_score: people whose box scores less get a row without points, for nobody looks for them.
    """

    min_person_score: float = Field(default=0.3, ge=0, le=1)


class PersonCrop(Protocol):
    """What a network is shown of a person, and the way back."""

    def cut(self, rgb: np.ndarray) -> np.ndarray:
        """The crop, uint8 (height, width, 3), of a picture, uint8 (its height, its width, 3)."""

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Points of the crop (…, 2), pixel centres counted, as pixels of the picture."""


class TopDownPose(Annotator):
    """Write ``slots``, ``crop`` and ``look``.

    The pose layer's people are the person layer's, in its order. Somebody who is not looked at keeps the place, with ``present``
    false throughout; a point without confidence is zeros.
    """

    Settings = PoseSettings
    settings: PoseSettings

    @property
    @abstractmethod
    def slots(self) -> Sequence[int]:
        """Which of the 133 the estimator looks for, in the order of its points."""

    @abstractmethod
    def crop(self, box: np.ndarray) -> PersonCrop:
        """What is shown of a person in ``box``, (x0, y0, x1, y1) in pixels of the picture."""

    @abstractmethod
    def look(self, shown: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """The points in each of some crops, uint8 (height, width, 3) of one size.

        Returns:
            For each a float array (len(slots), 3): x, y in pixels of the crop, pixel centres counted, and confidence in [0, 1].
        """

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        people = needs["person"]
        crops = [self._crops(person) for person in people]
        shown, lengths = flattened(
            [[crop.cut(picture.rgb) for crop in group] for picture, group in zip(pictures, crops, strict=True)]
        )
        found = regrouped(self.look(shown), lengths)
        return [self._row(*three) for three in zip(people, crops, found, strict=True)]

    def _crops(self, person: Row) -> list[PersonCrop]:
        """Of the people that are looked at, in order."""
        if person["status"] != OK:
            return []
        boxes, scores = people_of(person)
        return [self.crop(box) for box in boxes[scores >= self.settings.min_person_score]]

    def _row(self, person: Row, crops: Sequence[PersonCrop], found: Sequence[np.ndarray]) -> Row | Unavailable:
        if person["status"] != OK:
            return Unavailable(f"no person row: {person['reason']}")
        looked_at = people_of(person)[1] >= self.settings.min_person_score
        skeletons = iter([self._skeleton(crop, points) for crop, points in zip(crops, found, strict=True)])
        return pose_row([next(skeletons) if looked else Skeleton() for looked in looked_at])

    def _skeleton(self, crop: PersonCrop, points: np.ndarray) -> Skeleton:
        """The person in a crop whose points are known."""
        placed = np.column_stack([crop.to_picture(points[:, :2]), points[:, 2]])
        skeleton = Skeleton()
        skeleton.looked_for(self.slots, np.where(points[:, 2:] > 0, placed, 0))
        return skeleton
