"""Anchors as MediaPipe counts them, and detections that follow the picture."""

from __future__ import annotations

import numpy as np

from annotators.pose import face, hands
from annotators.pose.blaze_detector import BlazeDetector, anchors
from annotators.pose.crops import Window
from tests.annotators.photographs import NOBODY, PERSON, photograph, shifted


def test_anchors_are_as_many_as_the_models_have_outputs() -> None:
    assert anchors(face.DETECTOR.grid).shape == (896, 2)
    assert anchors(hands.DETECTOR.grid).shape == (2016, 2)


def test_anchors_go_by_rows() -> None:
    places = anchors(((2, 2), (1, 3)))
    np.testing.assert_allclose(places[:8, 0], [0.25, 0.25, 0.75, 0.75] * 2)
    np.testing.assert_allclose(places[:8, 1], [0.25] * 4 + [0.75] * 4)
    np.testing.assert_allclose(places[8:], 0.5)


def test_a_face_is_found_where_it_is_and_moves_with_the_picture() -> None:
    picture = photograph(PERSON)
    detector = BlazeDetector(face.DETECTOR)
    height, width = picture.rgb.shape[:2]
    window = Window(width * 0.5, height * 0.3, height * 0.6)
    first = detector.detect(picture.rgb, window, 0.5)[0]
    right_eye, left_eye, nose, mouth = first.points[:4]
    assert right_eye[0] < nose[0] < left_eye[0] and max(right_eye[1], left_eye[1]) < nose[1] < mouth[1]
    moved = detector.detect(shifted(picture, 40, 24).rgb, Window(window.x + 40, window.y + 24, window.side), 0.5)[0]
    np.testing.assert_allclose(moved.points - first.points, np.tile([40, 24], (6, 1)), atol=0.03 * first.extent[0] + 1)


def test_nothing_is_an_answer() -> None:
    assert BlazeDetector(hands.DETECTOR).detect(photograph(NOBODY).rgb, Window(100, 100, 120), 0.5) == []
