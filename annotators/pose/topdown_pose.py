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


class PoseOfPeople(Annotator):
    """Write ``slots`` and ``look_at``.

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
    def look_at(self, pictures: Sequence[Picture], boxes: Sequence[np.ndarray]) -> Sequence[Sequence[np.ndarray]]:
        """The points of people.

        Args:
            pictures: that they are in.
            boxes: of each picture float64 (people, 4), (x0, y0, x1, y1) in its pixels; a picture without people is not opened.

        Returns:
            Of each picture, for each of its people a float array (len(slots), 3): x, y in pixels of the picture, and confidence
            in [0, 1].
        """

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        people = needs["person"]
        found = self.look_at(pictures, [self._believed(person) for person in people])
        return [self._row(*both) for both in zip(people, found, strict=True)]

    def _believed(self, person: Row) -> np.ndarray:
        """The boxes of the people that are looked at, in order."""
        if person["status"] != OK:
            return np.empty((0, 4))
        boxes, scores = people_of(person)
        return boxes[scores >= self.settings.min_person_score]

    def _row(self, person: Row, found: Sequence[np.ndarray]) -> Row | Unavailable:
        if person["status"] != OK:
            return Unavailable(f"no person row: {person['reason']}")
        looked_at = people_of(person)[1] >= self.settings.min_person_score
        skeletons = iter([self._skeleton(points) for points in found])
        return pose_row([next(skeletons) if looked else Skeleton() for looked in looked_at])

    def _skeleton(self, points: np.ndarray) -> Skeleton:
        skeleton = Skeleton()
        skeleton.looked_for(self.slots, np.where(points[:, 2:] > 0, points, 0))
        return skeleton


class TopDownPose(PoseOfPeople):
    """Write ``slots``, ``crop`` and ``look``."""

    @abstractmethod
    def crop(self, box: np.ndarray) -> PersonCrop:
        """What is shown of a person in ``box``, (x0, y0, x1, y1) in pixels of the picture."""

    @abstractmethod
    def look(self, shown: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """The points in each of some crops, uint8 (height, width, 3) of one size.

        Returns:
            For each a float array (len(slots), 3): x, y in pixels of the crop, pixel centres counted, and confidence in [0, 1].
        """

    def look_at(self, pictures: Sequence[Picture], boxes: Sequence[np.ndarray]) -> Sequence[Sequence[np.ndarray]]:
        crops = [[self.crop(box) for box in group] for group in boxes]
        shown = [[crop.cut(picture.rgb) for crop in group] for picture, group in zip(pictures, crops, strict=True)]
        inputs, lengths = flattened(shown)
        found = regrouped(self.look(inputs), lengths)
        return [[_placed(*both) for both in zip(*group, strict=True)] for group in zip(crops, found, strict=True)]


def _placed(crop: PersonCrop, points: np.ndarray) -> np.ndarray:
    """Points of a crop (n, 3) as pixels of the picture."""
    return np.column_stack([crop.to_picture(points[:, :2]), points[:, 2]])
