"""Every form in which keypoints come, and a line for what is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from humanverse.errors import UserError
from humanverse.generation.keypoints import read

BODY = [number for slot in range(17) for number in (10.0 + slot, 20.0 + 2 * slot, 2)]
SURE = [number if place % 3 < 2 else 0.75 for place, number in enumerate(BODY)]
WHOLE = [number for slot in range(133) for number in (10.0 + slot, 20.0, 0.5)]
HAND = [number for slot in range(21) for number in (60.0 + slot, 70.0, 1)]


def write(folder: Path, value: Any) -> Path:
    path = folder / "people.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def annotated(**more: Any) -> dict[str, Any]:
    person = {"image_id": 7, "category_id": 1, "keypoints": BODY, **more}
    hidden = {**person, "keypoints": [number if place % 3 < 2 else 1 for place, number in enumerate(BODY)]}
    images = [
        {"id": 7, "file_name": "seven.jpg", "width": 100, "height": 80},
        {"id": 8, "file_name": "eight.jpg", "width": 60, "height": 90},
        {"id": 9, "file_name": "nine.jpg", "width": 60, "height": 90},
    ]
    crowd = {**person, "iscrowd": 1, "keypoints": [0] * 51}
    return {"images": images, "annotations": [person, hidden, {**person, "image_id": 8}, crowd], "categories": []}


def test_annotations_are_read_in_turn_with_flags_as_confidence(tmp_path: Path) -> None:
    seven, eight = read(write(tmp_path, annotated()))
    assert (seven.size, eight.size) == ((100, 80), (60, 90))
    assert [person[:17, 2].tolist() for person in seven.people] == [[1.0] * 17, [0.5] * 17]
    assert seven.people[0][3, :2].tolist() == [13, 26] and not seven.people[0][17:].any()
    assert seven.source["picture"] == "seven.jpg"


@pytest.mark.parametrize("item", ["8", "eight.jpg"])
def test_a_picture_is_named_by_id_or_file(tmp_path: Path, item: str) -> None:
    (found,) = read(write(tmp_path, annotated()), item)
    assert found.size == (60, 90)


def test_wholebody_parts_go_to_their_slots(tmp_path: Path) -> None:
    found = read(write(tmp_path, annotated(lefthand_kpts=HAND)), "8")
    hand = found[0].people[0][91:112]
    assert hand[:, 0].tolist() == [60 + slot for slot in range(21)] and (hand[:, 2] == 1).all()


@pytest.mark.parametrize(
    "value",
    [
        [SURE],
        [{"keypoints": SURE}],
        [np.array(SURE).reshape(17, 3).tolist()],
        {"people": [{"keypoints": SURE}]},
        [{"image_id": 3, "keypoints": SURE, "score": 0.9}],
    ],
)
def test_bare_people_and_results(tmp_path: Path, value: Any) -> None:
    (found,) = read(write(tmp_path, value))
    assert found.people[0][:17, 2].tolist() == [0.75] * 17
    assert found.size == (24, 40)


def test_confidences_above_1_are_no_flags(tmp_path: Path) -> None:
    sure = [number if place % 3 < 2 else (1.02, 0.6, 0.02)[place // 3 % 3] for place, number in enumerate(WHOLE)]
    (found,) = read(write(tmp_path, [{"image_id": 3, "keypoints": sure}]))
    np.testing.assert_allclose(found.people[0][90:93, 2], [1, 0.6, 0.02])


def test_133_points_and_the_size_of_their_picture(tmp_path: Path) -> None:
    (found,) = read(write(tmp_path, {"width": 200, "height": 50, "people": [WHOLE, WHOLE]}))
    assert found.size == (200, 50) and len(found.people) == 2
    assert np.array_equal(found.people[1], np.array(WHOLE, np.float32).reshape(133, 3))


def test_a_json_that_was_written_beside_a_picture_is_a_pose(tmp_path: Path) -> None:
    (found,) = read(write(tmp_path, {"seed": 1, "skeleton": {"width": 200, "height": 50, "people": [WHOLE]}}))
    assert found.size == (200, 50)


def result(picture: int, confidence: float) -> dict[str, Any]:
    sure = [number if place % 3 < 2 else confidence for place, number in enumerate(BODY)]
    return {"image_id": picture, "keypoints": sure}


def test_whoever_is_not_seen_is_passed_over(tmp_path: Path) -> None:
    unsure = [result(3, 0.2), result(4, 0.2), result(4, 0.9), result(5, 0.9)]
    found = read(write(tmp_path, unsure))
    assert [skeleton.source["picture"] for skeleton in found] == ["4", "5"]
    assert [len(skeleton.people) for skeleton in found] == [1, 1]


@pytest.mark.parametrize(
    ("value", "item", "line"),
    [
        ("{", None, "is not JSON"),
        ({"persons": []}, None, "neither people nor images"),
        (3, None, "neither people nor images"),
        ([], None, "nobody with points that are seen: give"),
        ([[0] * 51], None, "nobody with points that are seen: give"),
        ([result(3, 0.2)], None, "nobody with points that are seen in picture 3: give"),
        ([result(3, 0.2), result(4, 0.1)], None, "nobody with points that are seen in any of its 2 pictures"),
        ([SURE[:48]], None, "a person has 16 points"),
        ([SURE[:50]], None, "50 numbers, which are no triples"),
        ([["a"] * 51], None, "are not numbers"),
        ([{"points": SURE}], None, "keypoints"),
        (annotated(), "10", "has no picture 10"),
        (annotated(), "nine.jpg", "nobody with points that are seen in picture nine.jpg"),
        (annotated(lefthand_kpts=HAND[:60]), None, "lefthand_kpts has 20 points, not 21"),
        ({"images": [{}], "annotations": []}, None, "not as COCO has it"),
    ],
)
def test_what_is_none_is_one_line(tmp_path: Path, value: Any, item: str | None, line: str) -> None:
    with pytest.raises(UserError, match=line) as told:
        read(write(tmp_path, value), item)
    assert "17 or 133 points" in str(told.value) or "name one" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nobody\.json: No such file"):
        read(tmp_path / "nobody.json")
