"""Sizes, and which of them a picture gets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from humanverse.errors import UserError
from humanverse.loading.buckets import aspect_buckets, assign, check_buckets


def test_a_picture_gets_the_bucket_of_the_nearest_ratio() -> None:
    sizes = [(512, 512), (448, 576), (576, 448)]
    widths, heights = np.array([100, 300, 3000, 100, 512]), np.array([100, 400, 2000, 1000, 560])
    assert assign(widths, heights, sizes).tolist() == [0, 1, 2, 1, 0]


def test_of_equally_near_buckets_it_is_the_first() -> None:
    assert assign(np.array([512]), np.array([512]), [(256, 512), (512, 256)]).tolist() == [0]


def test_buckets_have_about_the_area_of_the_square() -> None:
    sizes = aspect_buckets(512, 64, 2.0)
    assert (512, 512) in sizes and (448, 576) in sizes
    assert all(width % 64 == 0 and height % 64 == 0 for width, height in sizes)
    assert all(0.8 * 512**2 <= width * height <= 512**2 and 0.5 <= width / height <= 2 for width, height in sizes)
    assert len(set(sizes)) == len(sizes)


def test_a_number_is_a_square() -> None:
    assert check_buckets([512, (448, 576)]) == ((512, 512), (448, 576))


@pytest.mark.parametrize(
    ("given", "said"),
    [([], "0 buckets"), ([512, (512, 512)], "twice"), ([(100, 512)], "multiples of 8"), (["wide"], "no bucket")],
)
def test_what_is_no_bucket_is_refused(given: list[Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        check_buckets(given)
