"""Maps of label ids as PNG: nothing is lost, and the columns are of the pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from humanverse.codec.maps import (
    ENCODERS,
    decode_segmentation,
    encode_depth,
    encode_normal,
    encode_segmentation,
    label_areas,
)


def test_every_id_comes_back_as_it_was() -> None:
    ids = np.arange(256).reshape(16, 16).repeat(3, axis=1)
    png, columns = encode_segmentation(ids)
    back = decode_segmentation(png)
    assert back.dtype == np.uint8 and (back == ids).all()
    assert columns == {"labels": list(range(255)), "label_areas": [pytest.approx(1 / 256)] * 255}
    assert ENCODERS["segmentation"] is encode_segmentation


def test_labels_and_areas_are_without_the_unknown() -> None:
    ids = np.array([[0, 0, 3, 255], [7, 3, 0, 0]], np.int16)
    assert label_areas(ids) == ([0, 3, 7], [0.5, 0.25, 0.125])
    assert encode_segmentation(np.full((2, 2), 255))[1] == {"labels": [], "label_areas": []}


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.full((4, 4), 256),
        np.full((4, 4), -1),
    ],
    ids=["float", "colour", "empty", "above", "below"],
)
def test_what_is_no_map_of_ids_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="label ids are"):
        encode_segmentation(wrong)


def test_other_pngs_are_no_maps_of_ids() -> None:
    depth, _ = encode_depth(np.ones((4, 4), np.float32))
    normal, _ = encode_normal(np.ones((4, 4, 3), np.float32))
    for png in (depth, normal, b"none"):
        with pytest.raises(ValueError, match=r"not (an 8-bit grey|a) PNG"):
            decode_segmentation(png)


def test_flat_areas_take_less_than_the_librarys_own_settings() -> None:
    ids = cv2.resize(
        np.random.default_rng(0).integers(0, 29, (12, 9), np.uint8), (384, 512), interpolation=cv2.INTER_CUBIC
    )
    png, _ = encode_segmentation(ids)
    assert len(png) <= len(cv2.imencode(".png", ids)[1])
