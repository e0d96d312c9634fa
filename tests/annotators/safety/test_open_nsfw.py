"""Open NSFW: ordinary photographs are safe, and its input is as published."""

from __future__ import annotations

import numpy as np

from annotators.safety.open_nsfw import prepared
from tests.annotators.photographs import NOBODY, PERSON, SEVERAL, photograph, table

NAME = ("safety", "open-nsfw")


def test_ordinary_photographs_are_safe_and_rows_do_not_depend_on_the_batch() -> None:
    pictures = [photograph(name) for name in (PERSON, NOBODY, SEVERAL)]
    together = table(*NAME, pictures)
    scores = together["unsafe"].to_pylist()
    assert all(0 <= score < 0.2 for score in scores) and len(set(scores)) == 3
    assert together.to_pylist() == [table(*NAME, [picture]).to_pylist()[0] for picture in pictures]


def test_the_input_is_the_middle_in_bgr_less_the_mean() -> None:
    rgb = np.zeros((300, 500, 3), np.uint8)
    rgb[:] = (200, 120, 40)
    rgb[:, :20] = 255
    image = prepared(rgb)
    assert image.shape == (224, 224, 3) and image.dtype == np.float32
    np.testing.assert_allclose(image[112, 112], np.array([40 - 104, 120 - 117, 200 - 123]), atol=3)
    assert image[:, 0].max() < 90
