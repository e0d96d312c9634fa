"""Points out of heatmaps: drawn ones, at borders, without peaks, and mirrored."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from annotators.pose.heatmaps import REFINEMENTS, Refinement, decoded, mirrored_back
from schemas.skeletons import WHOLEBODY_FLIP
from tests.annotators.pose.drawn import gaussians

WIDTH, HEIGHT = 48, 64
SIZE = (WIDTH, HEIGHT)


def grid(*fractions: float) -> np.ndarray:
    """(n, 2): pixels away from the border, each at every one of ``fractions`` beside its centre."""
    xs, ys = np.meshgrid(np.arange(6.0, 41, 7), np.arange(7.0, 56, 8))
    whole = np.stack([xs.ravel(), ys.ravel()], axis=1)
    steps = np.array([[x, y] for x in fractions for y in fractions])
    return (whole[:, None] + steps).reshape(-1, 2)


def test_points_at_a_quarter_of_a_pixel_come_back_exactly() -> None:
    points = grid(-0.25, 0.25)
    said = decoded(gaussians(points, SIZE)[None], "quarter")[0]
    np.testing.assert_array_equal(said[:, :2], points)


def test_a_point_at_a_pixel_stays_there() -> None:
    points = grid(0.0)
    for refinement in REFINEMENTS:
        said = decoded(gaussians(points, SIZE)[None], refinement)[0]
        np.testing.assert_allclose(said, np.column_stack([points, np.ones(len(points))]), atol=1e-6)


def test_a_quarter_is_never_further_off_than_a_quarter() -> None:
    points = grid(-0.45, -0.1, 0.2, 0.49)
    said = decoded(gaussians(points, SIZE)[None], "quarter")[0]
    assert 0.2 < np.abs(said[:, :2] - points).max() <= 0.25


def test_dark_finds_the_top_of_a_gaussian() -> None:
    points = grid(-0.45, -0.1, 0.2, 0.49)
    said = decoded(gaussians(points, SIZE)[None], "dark")[0]
    np.testing.assert_allclose(said[:, :2], points, atol=5e-4)


@pytest.mark.parametrize("refinement", list(REFINEMENTS))
@pytest.mark.parametrize("point", [(0, 0), (47, 63), (0, 30), (47, 30), (20, 0), (20, 63), (1, 1), (46, 62)])
def test_at_the_border_the_pixel_itself_is_said(refinement: Refinement, point: tuple[int, int]) -> None:
    beside = np.array([point], float) + 0.2
    said = decoded(gaussians(beside, SIZE)[None], refinement)[0, 0]
    if refinement == "quarter" and point == (46, 62):
        np.testing.assert_array_equal(said[:2], [46.25, 62.25])
    else:
        np.testing.assert_array_equal(said[:2], point)


def test_a_map_without_a_peak_says_zeros_and_a_high_one_is_clipped() -> None:
    maps = np.stack(
        [np.zeros((HEIGHT, WIDTH)), np.full((HEIGHT, WIDTH), -0.1), 1.7 * gaussians(grid(0.0)[:1], SIZE)[0]]
    )
    said = decoded(maps[None].astype(np.float32), "quarter")[0]
    assert not said[:2].any() and said[2, 2] == 1


def test_nobody_has_no_points() -> None:
    for refinement in REFINEMENTS:
        said = decoded(np.zeros((0, 133, HEIGHT, WIDTH), np.float32), refinement)
        assert said.shape == (0, 133, 3)


def test_points_of_a_mirrored_crop_come_back() -> None:
    """A map's pixel u is the crop's 4 u; the mirror has 191 - 4 u, which is 47.75 - u in its map."""
    points = np.random.default_rng(0).uniform((6, 6), (41, 57), (133, 2))
    mirrored = np.empty_like(points)
    mirrored[list(WHOLEBODY_FLIP)] = np.column_stack([47.75 - points[:, 0], points[:, 1]])
    back = mirrored_back(torch.from_numpy(gaussians(mirrored, SIZE))[None], WHOLEBODY_FLIP)
    np.testing.assert_allclose(back[0, :, :, 1:], gaussians(points + np.array([0.25, 0]), SIZE)[:, :, 1:], atol=1e-5)


def test_mirroring_twice_keeps_every_point_in_its_slot() -> None:
    maps = torch.rand(2, 133, 8, 6, generator=torch.Generator().manual_seed(0))
    twice = mirrored_back(mirrored_back(maps, WHOLEBODY_FLIP), WHOLEBODY_FLIP)
    torch.testing.assert_close(twice[..., 1:], maps[..., 1:])
