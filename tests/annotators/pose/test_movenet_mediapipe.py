"""Whole bodies on photographs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from annotators.base import Row, Unavailable
from annotators.pose.face import MESH_TO_68
from schemas.skeletons import BODY, BODY_SIGMAS, PARTS, WHOLEBODY, WHOLEBODY_FLIP
from tests.annotators.photographs import (
    DATA,
    NOBODY,
    PERSON,
    SEVERAL,
    loaded,
    person_row,
    photograph,
    row,
    shifted,
    table,
)

NAME = ("pose", "movenet-mediapipe")
SMALL_TOES = [slot for slot, name in enumerate(WHOLEBODY) if name.endswith("small_toe")]


def people(pose: Row) -> np.ndarray:
    return np.array(pose["keypoints"]).reshape(-1, len(WHOLEBODY), 3)


def with_box(box: list[float]) -> dict[str, Row]:
    return {"person": {"status": "ok", "reason": None, "boxes": [box], "scores": [1.0]}}


def test_people_are_those_of_the_person_layer() -> None:
    pictures = [photograph(name) for name in (PERSON, NOBODY, SEVERAL)]
    needs = {"person": [person_row(picture) for picture in pictures]}
    together = table(*NAME, pictures, needs).to_pylist()
    for answer, person in zip(together, needs["person"], strict=True):
        assert len(answer["keypoints"]) == len(answer["present"]) == len(answer["scores"]) == len(person["boxes"])
    alone = [
        table(*NAME, [p], {"person": [said]}).to_pylist()[0] for p, said in zip(pictures, needs["person"], strict=True)
    ]
    assert together == alone


def test_small_toes_are_never_present_and_all_else_is() -> None:
    picture = photograph(PERSON)
    pose = row(*NAME, picture, {"person": person_row(picture)})
    absent = [slot for slot, present in enumerate(pose["present"][0]) if not present]
    assert absent == SMALL_TOES
    assert (people(pose)[0, SMALL_TOES] == 0).all()


def test_nobody_looks_for_the_points_of_a_doubtful_box() -> None:
    picture = photograph(PERSON)
    person = person_row(picture)
    doubtful = {**person, "scores": [0.25] * len(person["boxes"])}
    pose = row(*NAME, picture, {"person": doubtful})
    assert len(pose["keypoints"]) == len(person["boxes"])
    assert not np.array(pose["present"]).any() and not people(pose).any() and not any(pose["scores"])


def test_a_person_layer_that_failed_leaves_the_pose_unavailable() -> None:
    failed = {"status": "failed", "reason": "no memory"}
    answer = loaded(*NAME).annotate([photograph(PERSON)], {"person": [failed]})[0]
    assert isinstance(answer, Unavailable) and "no memory" in answer.reason


def test_a_face_and_upper_body_are_found_where_they_are() -> None:
    """The man from the waist up: eyes above mouth above chin, shoulders below; no feet."""
    picture = photograph(PERSON)
    pose = row(*NAME, picture, {"person": person_row(picture)})
    points = people(pose)[0]
    face = points[list(PARTS["face"])]
    assert (face[:, 2] > 0.5).all() and pose["scores"][0] > 0.3
    brows, mouth, chin = face[17:27, 1].mean(), face[48:68, 1].mean(), face[8, 1]
    assert points[BODY.index("nose"), 1] > brows and brows < mouth < chin
    assert chin < points[BODY.index("left_shoulder"), 1] + 0.1 * picture.rgb.shape[0]
    np.testing.assert_allclose(
        face[36:42, :2].mean(axis=0), points[BODY.index("right_eye"), :2], atol=0.03 * picture.rgb.shape[0]
    )
    assert (points[list(PARTS["feet"]), 2] == 0).all()


def test_feet_are_found_below_the_knees() -> None:
    picture = photograph(SEVERAL)
    points = people(row(*NAME, picture, {"person": person_row(picture)}))
    left = [WHOLEBODY.index("left_heel"), WHOLEBODY.index("left_big_toe")]
    standing = points[(points[:, left, 2] > 0.2).all(axis=1)]
    assert len(standing) >= 1
    assert (standing[:, left, 1] > standing[:, [BODY.index("left_knee")], 1]).all()


def test_a_shifted_picture_has_its_points_shifted() -> None:
    picture = photograph(SEVERAL)
    box = person_row(picture)["boxes"][0]
    before = people(row(*NAME, picture, with_box(box)))[0, :17]
    moved = (np.array(box) + np.array([64, 32, 64, 32])).tolist()
    after = people(row(*NAME, shifted(picture, 64, 32), with_box(moved)))[0, :17]
    sure = before[:, 2] > 0.4
    assert sure.sum() >= 10
    reach = 0.05 * max(box[2] - box[0], box[3] - box[1])
    assert np.median(np.linalg.norm(after[sure, :2] - before[sure, :2] - (64, 32), axis=1)) < reach / 2


def annotated() -> list[tuple[str, dict[str, Any]]]:
    """The large, well annotated people of the COCO annotations, one per picture."""
    photograph(PERSON)
    coco = json.loads((DATA / "annotations" / "person_keypoints.json").read_text())
    names = {image["id"]: image["file_name"] for image in coco["images"]}
    chosen = {
        item["image_id"]: item for item in coco["annotations"] if item["num_keypoints"] >= 12 and item["area"] > 9000
    }
    return [(names[image], item) for image, item in chosen.items()]


def test_bodies_agree_with_human_annotators() -> None:
    """Mean object keypoint similarity (https://cocodataset.org/#keypoints-eval) of annotated people in their
    boxes."""
    similarities = []
    for name, item in annotated():
        x, y, width, height = item["bbox"]
        found = people(row(*NAME, photograph(name), with_box([x, y, x + width, y + height])))[0, :17]
        truth = np.array(item["keypoints"]).reshape(17, 3)
        seen = truth[:, 2] > 0
        squares = ((found[seen, :2] - truth[seen, :2]) ** 2).sum(axis=1)
        spread = 2 * (2 * np.array(BODY_SIGMAS)[seen]) ** 2 * item["area"]
        similarities.append(np.exp(-squares / spread).mean())
    assert len(similarities) >= 10
    assert np.mean(similarities) > 0.75


def test_the_face_correspondence_is_symmetric() -> None:
    """A mesh point has one mirror image, whichever of the 68 it serves."""
    flip = [WHOLEBODY_FLIP[slot] - 23 for slot in PARTS["face"]]
    counterpart: dict[int, int] = {}
    for slot, mirrored in enumerate(flip):
        pair = MESH_TO_68[slot], MESH_TO_68[mirrored]
        assert len(pair[0]) == len(pair[1])
        if len(pair[0]) == 1:
            assert counterpart.setdefault(pair[0][0], pair[1][0]) == pair[1][0]
    assert len(MESH_TO_68) == len(PARTS["face"])
    assert max(max(indices) for indices in MESH_TO_68) < 468
