"""Where faces are, by what is known of a person; and that real faces are covered."""

import json

import numpy as np
import pytest

from humanverse.faces import faces
from schemas.skeletons import BODY, PARTS, WHOLEBODY
from tests.annotators.photographs import DATA, person_row, photograph, row

BOX = [100.0, 50.0, 220.0, 450.0]
HEAD = {
    "nose": (160, 100),
    "left_eye": (172, 88),
    "right_eye": (148, 88),
    "left_ear": (188, 94),
    "right_ear": (132, 94),
}


def person(*boxes):
    return {"status": "ok", "reason": None, "boxes": list(boxes), "scores": [0.9] * len(boxes)}


def points(seen=(), face=0.0, present=True):
    """One person's 133 points: those of the head that are ``seen``, and the face's, both with their confidences."""
    made = np.zeros((len(WHOLEBODY), 3))
    made[:, :2] = 300, 300
    for name in seen:
        made[BODY.index(name)] = (*HEAD[name], 0.9)
    made[list(PARTS["face"])] = np.column_stack([face_points(), np.full(68, face)])
    return {
        "status": "ok",
        "reason": None,
        "keypoints": [made.ravel().tolist()],
        "present": [[present] * 133],
        "scores": [0.5],
    }


def face_points(angle=0.0):
    """float (68, 2): jaw, brows, nose, eyes and mouth around (160, 100), turned about it."""
    jaw = [(160 - 28 * np.cos(a), 92 + 36 * np.sin(a)) for a in np.linspace(0, np.pi, 17)]
    brows = [(x, 80) for x in np.linspace(138, 182, 10)]
    nose = [(160, y) for y in np.linspace(88, 104, 4)] + [(x, 106) for x in np.linspace(154, 166, 5)]
    eyes = [(x, 88) for x in np.linspace(142, 154, 6)] + [(x, 88) for x in np.linspace(166, 178, 6)]
    mouth = [(x, 116) for x in np.linspace(150, 170, 20)]
    made = np.array(jaw + brows + nose + eyes + mouth) - (160, 100)
    return made @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + (160, 100)


def test_points_of_the_face_are_enclosed_with_the_forehead():
    (region,) = faces(person(BOX), points(HEAD, face=0.9))
    assert region.contains(face_points()).all()
    assert region.contains(np.array([160.0, 64.0]))
    assert region.b < 50
    assert not region.contains(np.array([160.0, 160.0]))


def test_a_tilted_face_has_a_tilted_region():
    said = points(face=0.9)
    flat = np.array(said["keypoints"][0]).reshape(133, 3)
    flat[list(PARTS["face"]), :2] = face_points(0.5)
    (region,) = faces(person(BOX), {**said, "keypoints": [flat.ravel().tolist()]})
    assert region.angle == pytest.approx(0.5, abs=0.01)
    assert region.contains(face_points(0.5)).all()


def test_a_face_that_is_not_the_bodys_is_not_relied_on():
    elsewhere = {name: (x + 150, y + 100) for name, (x, y) in HEAD.items()}
    said = points(HEAD, face=0.9)
    flat = np.array(said["keypoints"][0]).reshape(133, 3)
    for name, place in elsewhere.items():
        flat[BODY.index(name), :2] = place
    (region,) = faces(person(BOX), {**said, "keypoints": [flat.ravel().tolist()]})
    assert region.contains(np.array(list(elsewhere.values()), float)).all()


@pytest.mark.parametrize("seen", [tuple(HEAD), ("nose", "left_eye", "left_ear"), ("left_eye", "right_eye")])
def test_head_points_alone_give_a_circle_over_the_whole_face(seen):
    (region,) = faces(person(BOX), points(seen))
    assert region.a == region.b
    middle = face_points()[17:]
    assert region.contains(middle).mean() > 0.9


@pytest.mark.parametrize(
    "said", [None, points(), points(("nose",)), {"status": "failed", "reason": "no"}, points(HEAD, 0.9, False)]
)
def test_without_points_the_top_of_the_box_is_taken(said):
    (region,) = faces(person(BOX), said)
    corners = np.array([[101, 51], [219, 51], [101, 121], [219, 121]], float)
    assert region.contains(corners).all()
    assert not region.contains(np.array([160.0, 300.0]))


def test_a_wide_box_is_covered_whole():
    (region,) = faces(person([0.0, 0.0, 400.0, 100.0]), None)
    assert region.contains(np.array([[1, 1], [399, 1], [1, 99], [399, 99]], float)).all()


def test_without_boxes_the_points_tell():
    (region,) = faces({"status": "failed", "reason": "no"}, points(HEAD, face=0.9))
    assert region.contains(face_points()).all()
    (region,) = faces(None, points())
    assert region.contains(np.array([160.0, 100.0]))


def test_nobody_has_no_face_and_nothing_known_is_none():
    assert faces(person(), None) == []
    assert faces({"status": "failed", "reason": "no"}, None) is None
    assert faces(None, {"status": "unavailable", "reason": "no"}) is None
    assert faces(None, None) is None


def test_a_pose_found_on_somebody_else_is_not_relied_on():
    other = [90.0, 300.0, 230.0, 700.0]
    said = points(HEAD, face=0.9)
    both = {**said, **{name: said[name] * 2 for name in ("keypoints", "present", "scores")}}
    first, second = faces(person(BOX, other), both)
    assert first.contains(face_points()).all()
    assert second.contains(np.array([[91, 301], [229, 301], [160, 380]], float)).all()


@pytest.mark.parametrize("name", ["000000442450.jpg", "000000329323.jpg"])
def test_faces_of_photographs_are_covered(name):
    """Noses and eyes that people have marked, of people in front of the crowd."""
    picture = photograph(name)
    found = person_row(picture)
    pose = {"status": "ok", "reason": None, **row("pose", "movenet-mediapipe", picture, {"person": found})}
    truth = json.loads((DATA / "annotations" / "person_keypoints.json").read_text())
    (image,) = (item["id"] for item in truth["images"] if item["file_name"] == name)
    people = [item for item in truth["annotations"] if item["image_id"] == image and not item["iscrowd"]]
    marked = [np.array(item["keypoints"], float).reshape(17, 3)[:3] for item in people if item["bbox"][3] > 75]
    visible = np.concatenate([points[points[:, 2] == 2, :2] for points in marked])
    assert len(visible)
    for said in (pose, None):
        regions = faces(found, said)
        assert all(any(region.contains(point) for region in regions) for point in visible)
