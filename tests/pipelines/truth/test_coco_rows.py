"""From COCO's coordinates to the stored picture's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from pipelines.truth.coco_json import CocoPerson, CocoPicture
from pipelines.truth.coco_rows import Refused, rows


def image(width: int = 80, height: int = 60, **others: Any) -> Mapping[str, Any]:
    """An images row of a picture that is stored as it is."""
    box = [0.0, 0.0, float(width), float(height)]
    return {
        "width": width,
        "height": height,
        "original_width": width,
        "original_height": height,
        "original_box": box,
        "original_orientation": 1,
        **others,
    }


def somebody(box: tuple[float, float, float, float], *points: tuple[float, float], **others: Any) -> CocoPerson:
    body = np.zeros((17, 3), np.float32)
    for index, (x, y) in enumerate(points):
        body[index] = x, y, 1.0 if index else 0.5
    return CocoPerson(**{"box": box, "area": 100.0, "crowd": False, "parts": {"body": body}, **others})


def picture(*people: CocoPerson, width: int | None = 80, height: int | None = 60) -> CocoPicture:
    return CocoPicture(1, "a.jpg", width, height, people)


def test_a_picture_that_is_stored_as_it_is() -> None:
    found = rows(picture(somebody((10, 20, 30, 50), (12, 22), (14, 24))), image())
    assert found["person"]["boxes"] == [[10, 20, 30, 50]]
    assert found["person"]["areas"] == [100.0] and found["person"]["crowd"] == [False]
    assert found["person"]["area_ratios"] == [600 / 4800] == [found["person"]["union_area_ratio"]]
    points = np.reshape(found["pose"]["keypoints"][0], (133, 3))
    assert points[:2].tolist() == [[12, 22, 0.5], [14, 24, 1.0]]
    assert sum(found["pose"]["present"][0]) == 2
    assert found["pose"]["scores"] == [0.75]


def test_a_smaller_picture_and_a_cut_one() -> None:
    """Half the size, the left 20 pixels cut off."""
    stored = image(30, 30, original_width=80, original_height=60, original_box=[20.0, 0.0, 80.0, 60.0])
    people = somebody((10, 20, 30, 50), (12, 22), (24, 24)), somebody((0, 0, 15, 15), (5, 5))
    found = rows(picture(*people), stored)
    assert found["person"]["boxes"] == [[0, 10, 5, 25]], "who is not in the picture is in no row"
    assert found["person"]["areas"] == [pytest.approx(100 / 4 / 2)], "as much of the mask as of the box"
    assert found["pose"]["present"][0][:2] == [False, True]
    assert np.reshape(found["pose"]["keypoints"][0], (133, 3))[:2].tolist() == [[0, 0, 0], [2, 12, 1]]


def test_a_crowd_has_no_points() -> None:
    found = rows(picture(somebody((10, 20, 30, 50), (12, 22), crowd=True)), image())
    assert found["person"]["crowd"] == [True]
    assert not any(found["pose"]["present"][0]) and not np.any(found["pose"]["keypoints"][0])


def test_nobody() -> None:
    found = rows(picture(), image())
    assert found["person"] == {
        "boxes": [], "scores": [], "area_ratios": [], "union_area_ratio": 0.0, "areas": [], "crowd": [],
    }  # fmt: skip
    assert found["pose"] == {"keypoints": [], "present": [], "scores": []}


def test_unknown_areas_are_null() -> None:
    assert rows(picture(somebody((1, 1, 9, 9), area=None)), image())["person"]["areas"] is None


@pytest.mark.parametrize("turn", [5, 6, 7, 8])
def test_annotations_of_the_file_as_stored_are_turned(turn: int) -> None:
    """The mark that Pillow finds in the upright picture is where the turned annotation is."""
    raw = Image.new("L", (80, 60))
    raw.paste(255, (10, 20, 16, 24))
    raw.getexif()[0x0112] = turn
    upright = ImageOps.exif_transpose(raw)
    expected = upright.getbbox()
    stored = image(60, 80, original_orientation=turn)
    found = rows(picture(somebody((10, 20, 16, 24), (10, 20), (16, 24))), stored)
    assert tuple(found["person"]["boxes"][0]) == expected
    points = np.reshape(found["pose"]["keypoints"][0], (133, 3))[:2, :2]
    assert sorted(points[:, 0]) == [expected[0], expected[2]] and sorted(points[:, 1]) == [expected[1], expected[3]]


def test_upright_annotations_of_a_turned_picture_stay() -> None:
    stored = image(60, 80, original_orientation=6)
    found = rows(picture(somebody((10, 20, 16, 24)), width=60, height=80), stored)
    assert found["person"]["boxes"] == [[10, 20, 16, 24]]


@pytest.mark.parametrize(
    ("said", "stored", "why"),
    [
        ((80, 60), image(160, 120), "80 x 60 pixels, this one 160 x 120"),
        ((60, 80), image(80, 60), "60 x 80 pixels, this one 80 x 60"),
        ((None, 60), image(), "does not say the picture's size"),
        ((80, 60), image(original_orientation=3), "EXIF orientation is 3"),
        ((60, 60), image(60, 60, original_orientation=6), "EXIF orientation is 6"),
    ],
)
def test_pictures_whose_annotations_cannot_be_placed(said: Any, stored: Mapping[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        rows(picture(somebody((1, 1, 9, 9)), width=said[0], height=said[1]), stored)
