"""Points out of columns and rows: known answers, ties with MMPose's formulas, and mirror images."""

from __future__ import annotations

import numpy as np
import pytest

from annotators.pose.simcc import averaged, decoded

WIDTH, HEIGHT, SPLIT = 24, 32, 2


def bins(positions: np.ndarray, length: int, split: int = SPLIT, deviation: float = 1.5) -> np.ndarray:
    """float32 (n, split x length): 1 at each position, which is in pixels, and falling off around it."""
    return np.exp(-((np.arange(split * length) - split * positions[:, None]) ** 2) / 2 / deviation**2).astype(
        np.float32
    )


@pytest.mark.parametrize("split", [1, 2, 3])
def test_points_on_bins_come_back_exactly(split: int) -> None:
    generator = np.random.default_rng(0)
    points = generator.integers((0, 0), (split * WIDTH, split * HEIGHT), (133, 2)) / split
    said = decoded(bins(points[:, 0], WIDTH, split)[None], bins(points[:, 1], HEIGHT, split)[None], split)[0]
    np.testing.assert_array_equal(said[:, :2], points)
    np.testing.assert_array_equal(said[:, 2], 1)


def test_confidence_is_the_lower_peak_clipped_and_without_one_there_is_no_point() -> None:
    column, row = bins(np.array([7.0]), WIDTH), bins(np.array([9.0]), HEIGHT)
    heights = np.array([(0.9, 0.4), (0.3, 0.8), (3.0, 2.0), (0.0, 0.5), (0.5, -0.2)], np.float32)
    said = decoded(
        (heights[:, :1] * column)[None], np.stack([high * row[0] - (high < 0) for high in heights[:, 1]])[None], 2
    )
    np.testing.assert_allclose(said[0, :, 2], [0.4, 0.3, 1, 0, 0], rtol=1e-6)
    np.testing.assert_array_equal(said[0, :3, :2], [(7, 9)] * 3)
    assert not said[0, 3:].any()


@pytest.mark.parametrize("split", [1, 2, 3])
def test_a_mirror_image_tells_of_the_same_columns(split: int) -> None:
    """Exactly: there is no shift between both."""
    swap = (1, 0, 2)
    points = np.array([5.5, 11.0, 17.25])
    mirrored = bins(WIDTH - 1 - points[list(swap)], WIDTH, split)
    both = averaged(bins(points, WIDTH, split)[None], mirrored[None], swap, split)[0]
    np.testing.assert_allclose(both, bins(points, WIDTH, split), atol=1e-6)


def test_both_sides_have_the_same_weight() -> None:
    columns, mirrored = np.full((1, 2, 2 * WIDTH), 0.2), np.full((1, 2, 2 * WIDTH), 0.6)
    both = averaged(columns, mirrored, (1, 0), SPLIT)
    np.testing.assert_allclose(both, 0.4)


def test_nobody_has_no_points() -> None:
    assert decoded(np.zeros((0, 133, 48), np.float32), np.zeros((0, 133, 64), np.float32), 2).shape == (0, 133, 3)
