"""Depth, normals, boxes, masks and points of a sample agree with each other."""

import cv2
import numpy as np
import pytest

from humanverse.compare.normal import angles
from humanverse.synth.keypoints import HIDDEN, SEEN
from humanverse.synth.truth import FARTHEST, LABELS
from tests.humanverse.synth.made import one, some

COUNT = 8


def normals_of_depth(sample) -> np.ndarray:
    """float (h, w, 3): the normals of the surface that depth and intrinsics describe, by differences of neighbours."""
    matrix = sample.camera.matrix
    y, x = np.indices(sample.depth.shape) + 0.5
    points = (
        np.stack([(x - matrix[0, 2]) / matrix[0, 0], -(y - matrix[1, 2]) / matrix[1, 1], -np.ones_like(x)], axis=-1)
        * sample.depth[:, :, None]
    )
    right, up = points[1:-1, 2:] - points[1:-1, :-2], points[:-2, 1:-1] - points[2:, 1:-1]
    found = np.full(points.shape, np.nan)
    found[1:-1, 1:-1] = np.cross(right, up)
    return found / np.linalg.norm(found, axis=-1, keepdims=True)


def test_normals_are_those_of_the_depth():
    inside, everywhere = [], []
    for sample in some(4, 448):
        apart = angles(normals_of_depth(sample), sample.normal)
        person = cv2.erode((sample.owners >= 0).astype(np.uint8), np.ones((5, 5))) > 0
        inside.append(apart[person & np.isfinite(apart)])
        everywhere.append(apart[np.isfinite(apart)])
    assert np.median(np.concatenate(inside)) < 2
    assert np.median(np.concatenate(everywhere)) < 2


@pytest.mark.parametrize("index", range(COUNT))
def test_maps_have_values_where_they_should(index):
    sample = one(index)
    there = np.isfinite(sample.depth)
    assert (there == np.isfinite(sample.normal).all(axis=2)).all()
    assert there[sample.owners >= 0].all()
    assert (sample.depth[there] > 0).all() and (sample.depth[there] <= FARTHEST).all()
    assert np.allclose(np.linalg.norm(sample.normal[there], axis=1), 1, atol=1e-4)


@pytest.mark.parametrize("index", range(COUNT))
def test_what_is_seen_faces_the_camera(index):
    sample = one(index)
    y, x = np.indices(sample.depth.shape) + 0.5
    (cx, cy), focal = sample.camera.centre, sample.camera.focal
    away = np.stack([(x - cx) / focal, -(y - cy) / focal, -np.ones_like(x)], axis=-1)
    facing = -(away * sample.normal).sum(axis=2)[np.isfinite(sample.depth)]
    assert (facing > 0).mean() > 0.98


@pytest.mark.parametrize("index", range(COUNT))
def test_boxes_are_tight_around_the_masks(index):
    sample = one(index)
    areas = [person.area for person in sample.people]
    assert areas == sorted(areas, reverse=True)
    for number, person in enumerate(sample.people):
        rows, columns = np.nonzero(sample.owners == number)
        assert person.box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert person.area == len(rows)


@pytest.mark.parametrize("index", range(COUNT))
def test_points_that_are_seen_are_on_the_person(index):
    sample = one(index)
    for number, person in enumerate(sample.people):
        seen = person.points[:, 2] == SEEN
        mask = cv2.dilate((sample.owners == number).astype(np.uint8), np.ones((7, 7)))
        x, y = person.points[seen, :2].astype(int).T
        assert mask[y, x].mean() > 0.95 if seen.sum() > 20 else mask[y, x].all()


def test_points_that_are_seen_are_as_deep_as_the_picture_there():
    before = [
        person.depths[slot] - sample.depth[int(person.points[slot, 1]), int(person.points[slot, 0])]
        for sample in some(COUNT)
        for person in sample.people
        for slot in np.flatnonzero(person.points[:, 2] == SEEN)
    ]
    near = np.abs(np.array(before)[np.isfinite(before)]) < 0.25
    assert len(near) > 400 and near.mean() > 0.95


def test_some_points_are_hidden_and_some_outside():
    kinds = np.concatenate([person.points[:, 2] for sample in some(COUNT) for person in sample.people])
    assert {*np.unique(kinds)} == {0.0, HIDDEN, SEEN}


@pytest.mark.parametrize("index", range(COUNT))
def test_labels_are_of_people(index):
    sample = one(index)
    assert ((sample.labels > 0) >= (sample.owners >= 0)).all()
    assert sample.labels.max() < len(LABELS)


def test_all_labels_of_clothed_people_occur():
    seen = {LABELS[label] for sample in some(COUNT) for label in np.unique(sample.labels)}
    assert {
        "Face_Neck",
        "Upper_Clothing",
        "Lower_Clothing",
        "Left_Hand",
        "Right_Hand",
        "Left_Shoe",
        "Right_Shoe",
        "Hair",
    } <= seen


def test_a_hand_is_labelled_where_its_points_are():
    right = wrong = 0
    for sample in some(COUNT):
        for number, person in enumerate(sample.people):
            for side, first in (("Left", 91), ("Right", 112)):
                for x, y, confidence in person.points[first + 1 : first + 21]:
                    if confidence == SEEN and sample.owners[int(y), int(x)] == number:
                        label = LABELS[sample.labels[int(y), int(x)]]
                        right += label == f"{side}_Hand"
                        wrong += label in ("Left_Hand", "Right_Hand") and label != f"{side}_Hand"
    assert right > 50 and wrong < 0.03 * right
