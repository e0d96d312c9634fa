"""Text: drawn words are found where they were drawn, photographs without any have none."""

from __future__ import annotations

import cv2
import numpy as np

from annotators.base import Picture
from annotators.text.rapidocr_det import Lines, TextSettings, covered_ratio, lines
from humanverse.codec import encode_jpeg
from tests.annotators.photographs import NOBODY, TEXT, photograph, row, table

NAME = ("text", "rapidocr-detector")


def test_words_are_found_where_they_were_drawn() -> None:
    rgb = np.full((400, 600, 3), 235, np.uint8)
    cv2.putText(rgb, "WATERMARK", (100, 210), cv2.FONT_HERSHEY_SIMPLEX, 2, (20, 20, 20), 5)
    found = row(*NAME, Picture("drawn", encode_jpeg(rgb, 95)))
    (size, _) = cv2.getTextSize("WATERMARK", cv2.FONT_HERSHEY_SIMPLEX, 2, 5)
    assert len(found["boxes"]) == 1 and found["has_text"]
    np.testing.assert_allclose(found["boxes"][0], [100, 210 - size[1], 100 + size[0], 210], atol=25)
    assert 0.5 < found["text_area_ratio"] * 400 * 600 / (size[0] * size[1]) < 2.5


def test_a_sign_has_text_and_a_cow_has_none() -> None:
    pictures = [photograph(TEXT), photograph(NOBODY)]
    together = table(*NAME, pictures).to_pylist()
    sign, cow = together
    assert sign["has_text"] and len(sign["boxes"]) >= 5 and sign["text_area_ratio"] > 0.05
    assert not cow["has_text"] and cow["text_area_ratio"] < 0.01
    assert together == [table(*NAME, [picture]).to_pylist()[0] for picture in pictures]


def test_a_line_is_grown_and_an_object_is_not_a_line() -> None:
    probability = np.zeros((100, 200), np.float32)
    probability[20:30, 40:100] = 0.9
    probability[40:95, 40:100] = 0.95
    probability[5:10, 5:30] = 0.4
    found = lines(probability, TextSettings())
    grown = 1.6 * 10 * 60 / (2 * 70)
    np.testing.assert_allclose(found.boxes, [[40 - grown, 20 - grown, 100 + grown, 30 + grown]], atol=1)
    np.testing.assert_allclose(found.scores, [0.9], rtol=1e-5)


def test_a_turned_line_covers_itself_and_not_its_box() -> None:
    center, side, thickness = np.array([60.0, 60.0]), 80, 10
    along, across = np.array([1, 1]) / np.sqrt(2) * side / 2, np.array([1, -1]) / np.sqrt(2) * thickness / 2
    corners = np.array(
        [center - along - across, center - along + across, center + along + across, center + along - across]
    )
    turned = Lines(corners[None], np.array([0.9]))
    np.testing.assert_allclose(turned.areas(), [side * thickness])
    assert abs(covered_ratio(turned, (120, 120)) * 120 * 120 / (side * thickness) - 1) < 0.2
    assert covered_ratio(Lines(np.zeros((0, 4, 2)), np.zeros(0)), (10, 10)) == 0
