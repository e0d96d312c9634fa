"""What examples/tiny measures: exact on surfaces whose depth and normals are calculated."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

TINY = Path(__file__).parents[2] / "examples" / "tiny"
SIDE = 64


@pytest.fixture(scope="module")
def figures() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TINY))
        yield importlib.import_module("figures")


def ball() -> tuple[np.ndarray, np.ndarray]:
    """Nearness and normals of a ball before a camera of 40 degrees, NaN beside it."""
    u, v = np.meshgrid(*[(np.arange(SIDE) + 0.5) / SIDE * 2 - 1] * 2)
    ray = np.stack([u, -v, -np.ones_like(u)], axis=-1) * [np.tan(np.radians(20)), np.tan(np.radians(20)), 1]
    middle, radius = np.array([0.1, -0.1, -4.0]), 1.1
    along, length = ray @ middle, (ray * ray).sum(axis=-1)
    inside = along**2 - length * (middle @ middle - radius**2)
    with np.errstate(invalid="ignore"):
        depth = (along - np.sqrt(inside)) / length
    points = ray * depth[..., None]
    return 1 / depth, (points - middle) / radius


def nearness_of(nearness: np.ndarray, scale: float = 1.0, offset: float = 0.0) -> np.ndarray:
    """As a trainer gets it: 0 to 1 within the picture."""
    low, high = np.nanmin(nearness), np.nanmax(nearness)
    return (nearness - low) / (high - low) * scale + offset


def test_depth_and_normals_of_one_surface_have_one_direction(figures: ModuleType) -> None:
    nearness, normal = ball()
    assert figures.apart(nearness_of(nearness), normal) < 2
    assert figures.apart(nearness_of(nearness, 3, -7), normal) < 2


def test_depth_of_the_other_sign_or_mirrored_normals_have_another(figures: ModuleType) -> None:
    nearness, normal = ball()
    assert figures.apart(-nearness_of(nearness), normal) > 178
    assert figures.apart(nearness_of(nearness), normal * [-1, -1, 1]) > 178
    assert 80 < figures.apart(nearness_of(nearness), normal[..., [1, 0, 2]] * [-1, 1, 1]) < 100


def test_a_flat_picture_says_nothing(figures: ModuleType) -> None:
    _, normal = ball()
    assert np.isnan(figures.apart(np.zeros((SIDE, SIDE)), normal))


def test_a_plane_rises_where_the_formula_says(figures: ModuleType) -> None:
    normal = np.array([0.5, 0.4, 0.768])
    u, v = np.meshgrid(*[(np.arange(SIDE) + 0.5) / SIDE * 2 - 1] * 2)
    nearness = np.stack([u, -v, -np.ones_like(u)], axis=-1) @ normal / -3.0
    assert figures.apart(nearness_of(nearness), np.broadcast_to(normal, (SIDE, SIDE, 3))) == pytest.approx(0, abs=1e-6)


def test_alike_is_a_rank_correlation_of_depth_with_nearness(figures: ModuleType) -> None:
    depth = np.linspace(1, 5, 100).reshape(10, 10)
    assert figures.alike(depth, 1 / depth) == pytest.approx(1)
    assert figures.alike(depth, depth**2) == pytest.approx(-1)
    holed = np.where(np.arange(100).reshape(10, 10) % 2, 1 / depth, np.nan)
    assert figures.alike(depth, holed) == pytest.approx(1)
    assert np.isnan(figures.alike(depth, np.full((10, 10), np.nan)))


def test_between_is_the_median_angle_where_both_are(figures: ModuleType) -> None:
    ahead, up = np.zeros((8, 8, 3)), np.zeros((8, 8, 3))
    ahead[..., 2], up[..., 1] = 1, 1
    assert figures.between(ahead, up) == pytest.approx(90)
    assert figures.between(ahead, ahead) == pytest.approx(0)
    up[:, :5], up[:, 5:] = np.nan, [0, 0, 1]
    assert figures.between(ahead, up) == pytest.approx(0)
    up[:, 1:] = np.nan
    assert np.isnan(figures.between(ahead, up))


def test_a_map_of_a_part_is_read_at_its_place(figures: ModuleType) -> None:
    values = np.arange(4.0).reshape(2, 2)
    read = figures.over(values, (64, 128, 192, 256))
    assert np.isnan(read[:128]).all() and np.isnan(read[:, :64]).all() and np.isnan(read[:, 192:]).all()
    assert (read[128:192, 64:128] == 0).all() and (read[192:, 128:192] == 3).all()
