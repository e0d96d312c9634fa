"""What every top-down estimator does with people: who is looked at, in which order, and what the row says of the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from annotators.base import Card, Picture, Unavailable
from annotators.pose.topdown import Crop, around
from annotators.pose.topdown_pose import TopDownPose
from humanverse.codec import encode_jpeg
from tests.annotators.pose.people import person

SLOTS = (0, 40, 132)


class Middle(TopDownPose):
    """Says of three points that they are in the crop's middle, the last one without confidence; remembers what it was shown."""

    card = Card("pose", "middle", 1, "", "", "", "", "", needs=("person",))
    slots = SLOTS

    def load(self) -> None:
        self.shown: list[np.ndarray] = []

    def crop(self, box: np.ndarray) -> Crop:
        return around(box, (48, 64))

    def look(self, shown: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        self.shown.extend(shown)
        return [np.array([[24, 32, 0.9], [24, 32, 0.4], [24, 32, 0.0]]) for _ in shown]


def loaded(**settings: float) -> Middle:
    made = Middle(Middle.Settings(**settings))
    made.load()
    return made


def grey(number: int, level: int) -> Picture:
    return Picture(str(number), encode_jpeg(np.full((100, 200, 3), level, np.uint8), 95))


def test_people_of_all_pictures_are_looked_at_together_and_keep_their_order() -> None:
    annotator = loaded()
    people = [person((0, 0, 20, 40), (100, 50, 140, 90)), person(), person((30, 30, 60, 60))]
    rows = annotator.annotate([grey(0, 50), grey(1, 90), grey(2, 200)], {"person": people})
    assert [int(shown[32, 24, 0]) for shown in annotator.shown] == [50, 50, 200]
    assert {shown.shape for shown in annotator.shown} == {(64, 48, 3)}
    middles = [[np.reshape(one, (133, 3))[0, :2].tolist() for one in row["keypoints"]] for row in rows]  # type: ignore[index]
    assert middles == [[[10.5, 20.5], [120.5, 70.5]], [], [[45.5, 45.5]]]


def test_only_its_slots_are_present_and_a_point_without_confidence_is_zeros() -> None:
    (row,) = loaded().annotate([grey(0, 50)], {"person": [person((10, 10, 50, 90))]})
    assert isinstance(row, dict)
    assert [slot for slot, present in enumerate(row["present"][0]) if present] == list(SLOTS)
    points = np.array(row["keypoints"]).reshape(133, 3)
    expected = np.array([[30.5, 50.5, 0.9], [30.5, 50.5, 0.4], [0, 0, 0]])
    np.testing.assert_allclose(points[list(SLOTS)], expected, rtol=1e-6)
    assert not np.delete(points, SLOTS, axis=0).any()
    assert row["scores"] == pytest.approx([0.9])


def test_people_that_are_hardly_believed_keep_their_place_without_being_looked_at() -> None:
    annotator = loaded(min_person_score=0.5)
    people = person((10, 10, 50, 90), (60, 10, 90, 90), (100, 10, 150, 90), scores=[0.5, 0.49, 0.9])
    (row,) = annotator.annotate([grey(0, 50)], {"person": [people]})
    assert isinstance(row, dict) and len(annotator.shown) == 2
    assert [any(present) for present in row["present"]] == [True, False, True]
    assert not any(row["keypoints"][1]) and row["scores"][1] == 0


def test_without_people_or_a_person_row_no_picture_is_opened() -> None:
    failed = {"status": "failed", "reason": "broken", "boxes": None, "scores": None}
    pictures = [Picture("0", b"no jpeg"), Picture("1", b"no jpeg")]
    nobody, lost = loaded().annotate(pictures, {"person": [person(), failed]})
    assert nobody == {"keypoints": [], "present": [], "scores": []}
    assert lost == Unavailable("no person row: broken")
