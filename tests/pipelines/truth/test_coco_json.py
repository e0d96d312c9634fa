"""COCO JSON: what is read, and every way in which a file is none."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from humanverse.errors import UserError
from pipelines.truth.coco_json import OCCLUDED, VISIBLE, read
from schemas.skeletons import PARTS, WHOLEBODY
from tests.pipelines.photographs import KEYPOINTS, annotated, needs_data
from tests.pipelines.photographs import WHOLEBODY as WHOLEBODY_FILE

PERSON = {"id": 1, "name": "person"}
IMAGE = {"id": 7, "file_name": "a.jpg", "width": 64, "height": 48}


def entry(**others: Any) -> dict[str, Any]:
    return {"id": 1, "image_id": 7, "category_id": 1, "bbox": [1, 2, 10, 20], "area": 50.0, "iscrowd": 0, **others}


def written(folder: Path, *annotations: Any, **others: Any) -> Path:
    path = folder / "truth.json"
    path.write_text(json.dumps({"images": [IMAGE], "annotations": annotations, "categories": [PERSON], **others}))
    return path


def test_boxes_crowds_and_points(tmp_path: Path) -> None:
    points = [[10, 20, 2], [30, 40, 1], [0, 0, 0]] + [[0, 0, 0]] * 14
    path = written(tmp_path, entry(keypoints=np.ravel(points).tolist()), entry(iscrowd=1), entry(category_id=3))
    found = read(path)
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    (picture,) = found.pictures
    assert (picture.id, picture.name, picture.width, picture.height) == (7, "a.jpg", 64, 48)
    one, crowd = picture.people
    assert (one.box, one.area, one.crowd, crowd.crowd) == ((1, 2, 11, 22), 50.0, False, True)
    assert one.points[:3].tolist() == [[10, 20, VISIBLE], [30, 40, OCCLUDED], [0, 0, 0]]
    assert not one.points[17:].any() and not crowd.points.any()
    assert found.has_points


def test_parts_that_are_not_valid_are_not_labelled(tmp_path: Path) -> None:
    hand, foot = [5.0, 6.0, 1.0] * 21, [5.0, 6.0, 1.0] * 6
    path = written(tmp_path, entry(lefthand_kpts=hand, lefthand_valid=False, righthand_kpts=hand, foot_kpts=foot))
    points = read(path).pictures[0].people[0].points
    assert not points[PARTS["left_hand"].start : PARTS["left_hand"].stop, 2].any()
    assert (points[PARTS["right_hand"].start :, 2] == VISIBLE).all(), "a hand's v only says that it was labelled"
    assert (points[PARTS["feet"].start : PARTS["feet"].stop, 2] == OCCLUDED).all()


@needs_data
def test_real_files() -> None:
    found = read(KEYPOINTS)
    assert len(found.pictures) == 53
    assert sum(len(picture.people) for picture in found.pictures) == len(annotated()["annotations"])
    wholebody = read(WHOLEBODY_FILE).pictures[0].people[0].points
    labelled = {part: int((wholebody[slots.start : slots.stop, 2] > 0).sum()) for part, slots in PARTS.items()}
    assert labelled == {"body": 17, "feet": 6, "face": 68, "left_hand": 0, "right_hand": 21}
    assert len(wholebody) == len(WHOLEBODY)


def test_a_file_without_points_says_so(tmp_path: Path) -> None:
    assert not read(written(tmp_path, entry())).has_points


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "has no lists 'images' and 'annotations'"),
        ('{"images": [], "annotations": {}}', "has no lists"),
        ('{"images": [], "annotations": []}', "has no category 'person'"),
        ('{"images": [], "annotations": [], "categories": [{"id": 3, "name": "dog"}]}', "has no category 'person'"),
        ('{"images": [], "annotations": [], "categories": [3]}', "categories are not"),
    ],
)
def test_files_that_are_something_else(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "truth.json"
    path.write_text(text)
    with pytest.raises(UserError, match=why) as caught:
        read(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.parametrize(
    "broken",
    [
        entry(bbox=[1, 2, 3]),
        entry(bbox="box"),
        entry(bbox=[1, 2, float("nan"), 4]),
        entry(keypoints=[1, 2, 3]),
        {"image_id": 7},
        None,
        entry(image_id=[1]),
    ],
)
def test_annotations_that_are_broken(tmp_path: Path, broken: Any) -> None:
    with pytest.raises(UserError, match=r"annotation 1 is not as COCO has it"):
        read(written(tmp_path, entry(), broken))


def test_pictures_that_are_broken_or_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="an entry of images is not as COCO has it"):
        read(written(tmp_path, images=[{"id": 7}]))
    with pytest.raises(UserError, match="several of its images have the id 7"):
        read(written(tmp_path, entry(), images=[IMAGE, {**IMAGE, "file_name": "b.jpg"}]))
    with pytest.raises(UserError, match="annotations of picture 8, which is not among its images"):
        read(written(tmp_path, entry(image_id=8)))


def test_a_folder_and_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(UserError, match="No such file"):
        read(tmp_path / "absent.json")
