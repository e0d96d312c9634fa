"""MoveNet's decoder on heads made by hand."""

from __future__ import annotations

import numpy as np

from annotators.pose.movenet import FLIP, GRID, Heads, decode, merged, mirrored
from schemas.skeletons import BODY


def heads_of(rows: np.ndarray, columns: np.ndarray, center: tuple[int, int]) -> Heads:
    """Heads that see one person: its points in the given cells, half a cell on, confidence 0.9; its centre."""
    heatmap = np.full((len(BODY), GRID, GRID), 0.01, np.float32)
    heatmap[np.arange(len(BODY)), rows, columns] = 0.9
    centers = np.zeros((GRID, GRID), np.float32)
    centers[center] = 0.8
    regress = np.zeros((len(BODY), 2, GRID, GRID), np.float32)
    regress[:, 0] = (rows - center[0])[:, None, None]
    regress[:, 1] = (columns - center[1])[:, None, None]
    return Heads(heatmap, centers, regress, np.full_like(regress, 0.5))


def test_points_are_cells_plus_offsets() -> None:
    rows, columns = np.arange(17) + 20, np.arange(17) * 2 + 10
    points = decode(heads_of(rows, columns, (30, 33)))
    np.testing.assert_allclose(points[:, 0], (columns + 0.5) / GRID, rtol=1e-5)
    np.testing.assert_allclose(points[:, 1], (rows + 0.5) / GRID, rtol=1e-5)
    np.testing.assert_allclose(points[:, 2], 0.9, rtol=1e-5)


def test_of_two_persons_the_central_one_counts() -> None:
    near = heads_of(np.full(17, 30), np.full(17, 34), (31, 32))
    far = heads_of(np.full(17, 10), np.full(17, 3), (10, 4))
    regress = near.regress.copy()
    regress[:, :, :20] = far.regress[:, :, :20]
    both = Heads(np.maximum(near.heatmap, far.heatmap), np.maximum(near.center, far.center), regress, near.offset)
    np.testing.assert_allclose(decode(both)[:, :2], np.tile([34.5 / GRID, 30.5 / GRID], (17, 1)), rtol=1e-5)


def test_mirrored_swaps_sides_and_turns_x_round() -> None:
    points = np.column_stack([np.linspace(0, 0.8, 17), np.linspace(0.1, 0.9, 17), np.linspace(0.2, 1, 17)])
    back = mirrored(points)
    left, right = BODY.index("left_wrist"), BODY.index("right_wrist")
    np.testing.assert_allclose(back[left], [1 - points[right, 0], points[right, 1], points[right, 2]])
    np.testing.assert_allclose(mirrored(back), points)
    assert [FLIP[slot] for slot in FLIP] == list(range(17))


def test_merged_weighs_by_confidence() -> None:
    one, other = np.zeros((17, 3)), np.ones((17, 3))
    one[:, 2], other[:, 2] = 0.3, 0.9
    np.testing.assert_allclose(merged(np.stack([one, other])), np.tile([0.75, 0.75, 0.6], (17, 1)))
