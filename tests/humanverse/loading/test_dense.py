"""Depth, normals and parts of people as training targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from humanverse.codec.maps import ENCODERS, encode_depth, encode_normal, encode_segmentation
from humanverse.loading.crop import Crop, choose
from humanverse.loading.dense import DENSE, normalised
from schemas.layers import KINDS
from tests.humanverse.loading.test_crop import at, centre

STORED = (640, 480)
CELLS = (320, 240)
X, Y = 301.0, 233.0


def place(kind: str, values: np.ndarray, crop: Crop, **columns: Any) -> tuple[np.ndarray, np.ndarray]:
    """What comes of a map of the whole stored picture."""
    png, said = ENCODERS[kind](values)
    height, width = values.shape[:2]
    row: Mapping[str, Any] = {"map_width": width, "map_height": height, "map_box": [0.0, 0.0, *map(float, STORED)]}
    return DENSE[kind].place(png, {**row, **said, **columns}, crop)


def spot() -> np.ndarray:
    """float (height, width): 1 at the point (X, Y) of the stored picture, less around it."""
    down, across = (np.mgrid[0 : CELLS[1], 0 : CELLS[0]] + 0.5) * STORED[0] / CELLS[0]
    return np.exp(-((across - X) ** 2 + (down - Y) ** 2) / (2 * 20**2))


@pytest.mark.parametrize("mirrored", [False, True])
def test_what_is_at_a_keypoint_stays_there_in_every_kind_of_map(mirrored: bool) -> None:
    crop = choose(STORED, (256, 256), 0.37, 0.0, mirrored)
    expected = crop.points(at(X, Y))[0, 0, :2]
    depth, _ = place("depth", spot(), crop, depth_kind="inverse")
    tilt = np.stack([0.6 * spot(), np.zeros_like(spot()), np.sqrt(1 - (0.6 * spot()) ** 2)], axis=2)
    normal, _ = place("normal", tilt, crop)
    labels, _ = place("segmentation", (spot() > 0.5).astype(np.uint8), crop)
    np.testing.assert_allclose(centre(depth[0] + 1), expected, atol=0.2)
    np.testing.assert_allclose(centre(normal[0] * (-1 if mirrored else 1)), expected, atol=0.2)
    np.testing.assert_allclose(centre(labels[0].astype(float)), expected, atol=0.5)


def test_normals_are_unit_vectors_and_their_x_is_turned_with_the_picture() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(CELLS[1], CELLS[0], 3)) + np.array([0.5, 0, 4])
    values /= np.linalg.norm(values, axis=2, keepdims=True)
    plain, valid = place("normal", values, choose(STORED, (256, 192), 0, 0))
    turned, _ = place("normal", values, choose(STORED, (256, 192), 0, 0, True))
    assert plain.shape == (3, 192, 256) and valid.all()
    np.testing.assert_allclose(np.linalg.norm(plain, axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(turned[0], -plain[0, :, ::-1], atol=1e-6)
    np.testing.assert_allclose(turned[1:], plain[1:, :, ::-1], atol=1e-6)


def test_where_there_is_none_a_target_is_zero_and_not_valid() -> None:
    crop = choose(STORED, (256, 192), 0, 0)
    depth, normal = np.linspace(1, 2, 320 * 240).reshape(240, 320), np.zeros((240, 320, 3))
    normal[:, :, 2] = 1
    depth[:, :160], normal[:, :160] = np.nan, np.nan
    for kind, values, columns in (("depth", depth, {"depth_kind": "metric"}), ("normal", normal, {})):
        target, valid = place(kind, values, crop, **columns)
        assert not valid[:, :127].any() and valid[:, 130:].all()
        assert not target[:, ~valid].any() and np.isfinite(target).all()


@pytest.mark.parametrize(("kind", "grows_with_distance"), [("inverse", False), ("metric", True), ("relative", True)])
def test_near_is_one_and_far_is_minus_one_for_every_kind_of_depth(kind: str, grows_with_distance: bool) -> None:
    ramp = np.tile(np.linspace(1, 5, CELLS[0]), (CELLS[1], 1))
    target, _ = place("depth", ramp, choose(STORED, (256, 192), 0, 0), depth_kind=kind)
    first, last = float(target[0, 90, 1]), float(target[0, 90, -2])
    assert (first, last) == ((1, -1) if grows_with_distance else (-1, 1))
    steps = np.diff(target[0, 90]) * (-1 if grows_with_distance else 1)
    assert (steps >= 0).all() and steps.max() < 0.12


def test_outliers_do_not_take_the_range() -> None:
    near = np.tile(np.linspace(0, 1, 200, dtype=np.float32), (200, 1))
    near[:4, :4] = 1000
    found = normalised(near, np.ones(near.shape, bool))
    assert found.min() == -1 and found.max() == 1
    assert abs(float(found[100, 100]) - 0) < 0.05


def test_a_flat_map_and_an_empty_one_are_zero() -> None:
    flat = np.full((64, 64), 3, np.float32)
    assert not normalised(flat, np.ones(flat.shape, bool)).any()
    empty = np.full((64, 64), np.nan, np.float32)
    assert not normalised(empty, np.zeros(empty.shape, bool)).any()


def test_damaged_maps_are_refused() -> None:
    crop = choose(STORED, (256, 192), 0, 0)
    for kind, values in (("depth", spot()), ("segmentation", np.zeros((240, 320), np.uint8))):
        png, said = ENCODERS[kind](values)
        row = {"map_width": 99, "map_height": 240, "map_box": [0.0, 0.0, 640.0, 480.0], "depth_kind": "metric", **said}
        with pytest.raises(ValueError, match="its row says 99x240"):
            DENSE[kind].place(png, row, crop)
        with pytest.raises(ValueError, match="not a PNG"):
            DENSE[kind].place(b"nothing", {**row, "map_width": 320}, crop)


def test_encoders_and_targets_are_of_the_same_kinds() -> None:
    assert DENSE.keys() == {kind for kind in ENCODERS if not KINDS[kind].cache}
    assert {encode_depth, encode_normal, encode_segmentation} == {ENCODERS[kind] for kind in DENSE}
