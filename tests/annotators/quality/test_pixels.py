"""Figures on pixels that were made to have them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from annotators.base import Picture
from annotators.quality.pixels import colorfulness, jpeg_quality, saturated_ratio
from humanverse.codec import encode_jpeg
from tests.annotators.photographs import NOBODY, PERSON, photograph, row, table

NAME = ("quality", "pixels")


def saved(rgb: np.ndarray, quality: int = 95) -> Picture:
    return Picture("made", encode_jpeg(rgb, quality))


@pytest.mark.parametrize("quality", [5, 30, 50, 75, 90, 95, 100])
def test_the_quality_of_a_jpeg_is_read_from_its_tables(quality: int) -> None:
    out = io.BytesIO()
    Image.new("RGB", (16, 16), (10, 200, 30)).save(out, "JPEG", quality=quality)
    assert jpeg_quality(out.getvalue()) == quality
    assert jpeg_quality(encode_jpeg(np.zeros((8, 8, 3), np.uint8), quality)) == quality


def test_brightness_and_contrast_of_two_halves() -> None:
    rgb = np.zeros((256, 512, 3), np.uint8)
    rgb[:, 256:] = 200
    found = row(*NAME, saved(rgb))
    assert abs(found["brightness"] - 100 / 255) < 0.005 and abs(found["contrast"] - 100 / 255) < 0.005
    assert found["colorfulness"] < 1


def test_sharpness_falls_with_blur_whatever_the_size() -> None:
    picture = photograph(NOBODY)
    sharp = row(*NAME, picture)["sharpness"]
    image = Image.fromarray(picture.rgb)
    small = np.asarray(image.resize((image.width // 8, image.height // 8)).resize(image.size))
    assert row(*NAME, saved(small))["sharpness"] < sharp / 10
    doubled = np.asarray(image.resize((image.width * 2, image.height * 2), Image.Resampling.LANCZOS))
    assert 0.4 < row(*NAME, saved(doubled))["sharpness"] / sharp < 1.6


def test_colorfulness_is_that_of_the_paper() -> None:
    """Two halves of pure red and pure green, by the paper's formula with pencil and paper."""
    rgb = np.zeros((10, 10, 3), np.uint8)
    rgb[:, :5, 0] = 255
    rgb[:, 5:, 1] = 255
    assert colorfulness(rgb) == pytest.approx(255 + 0.3 * 127.5)
    assert colorfulness(np.full((4, 4, 3), 99, np.uint8)) == 0


def test_clipped_pixels_are_counted() -> None:
    rgb = np.full((10, 10, 3), 128, np.uint8)
    rgb[0] = (255, 128, 128)
    rgb[1] = (1, 0, 1)
    rgb[2] = (0, 0, 60)
    assert saturated_ratio(rgb) == pytest.approx(0.2)


def test_the_layer_has_its_schema() -> None:
    pictures = [photograph(PERSON), photograph(NOBODY)]
    together = table(*NAME, pictures)
    assert together.to_pylist() == [table(*NAME, [picture]).to_pylist()[0] for picture in pictures]
