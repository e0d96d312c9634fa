"""Points out of heatmaps: one map for each point, highest where it lies. Positions count pixel centres: map pixel i is at i."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

Refinement = Literal["quarter", "dark"]
"""How a point is placed between the pixels of its map."""
_DARK_KERNEL = 11
"""Side of the Gaussian that DARK smooths maps with which were learnt with a deviation of 2 pixels."""
_DARK_FLOOR = 1e-10


def mirrored_back(heatmaps: Any, swap: Sequence[int]) -> Any:
    """The maps of mirrored crops as those of the crops themselves, moved one pixel to the right (MMPose's ``shift_heatmap``).

    Pixel u of a map is at 4 u in the crop, so that of a crop of 192 pixels the mirrored one has it at 191 - 4 u: a point comes
    back at u - 3/4, and moved at u + 1/4. The first column stays.

    Args:
        heatmaps: tensor (n, points, height, width).
        swap: slot of each point's mirror image.
    """
    back = heatmaps[:, list(swap)].flip(3)
    back[..., 1:] = back[..., :-1].clone()
    return back


def decoded(heatmaps: np.ndarray, refinement: Refinement) -> np.ndarray:
    """float64 (n, points, 3): x, y in pixels of the maps, and the peak clipped to [0, 1]; zeros where no peak is above zero.

    Args:
        heatmaps: float32 (n, points, height, width).
        refinement: how points are placed between pixels.
    """
    count, slots, height, width = heatmaps.shape
    maps = heatmaps.reshape(count * slots, height, width)
    flat = heatmaps.reshape(count * slots, height * width)
    at = flat.argmax(axis=1)
    peak = flat[np.arange(len(maps)), at]
    y, x = np.divmod(at, width)
    points = np.stack([x, y], axis=1) + REFINEMENTS[refinement](maps, x, y)
    said = np.where(peak[:, None] > 0, np.column_stack([points, peak.clip(0, 1)]), 0.0)
    return said.reshape(count, slots, 3)


def _quarter(maps: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A quarter of a pixel towards the higher neighbour, along each side; nothing at the border (MMPose's
    ``post_process='default'``).

    Args:
        maps: (n, height, width).
        x, y: int (n,), each map's highest pixel.

    Returns:
        float64 (n, 2).
    """
    offsets = np.zeros((len(maps), 2))
    inner, values = _around(maps, x, y, before=2, after=1)
    offsets[inner, 0] = 0.25 * np.sign(values(1, 0) - values(-1, 0))
    offsets[inner, 1] = 0.25 * np.sign(values(0, 1) - values(0, -1))
    return offsets


def _dark(maps: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The step to the top of the Gaussian that the map is taken for: Zhang et al., "Distribution-Aware Coordinate Representation
    for Human Pose Estimation" (CVPR 2020), -H⁻¹ ∇ of the logarithm of the smoothed map; nothing at the border.

    Arguments and result as of ``_quarter``.
    """
    offsets = np.zeros((len(maps), 2))
    logarithms = np.log(np.maximum(_smoothed(maps), _DARK_FLOOR))
    inner, values = _around(logarithms, x, y, before=2, after=2)
    dx, dy = (values(1, 0) - values(-1, 0)) / 2, (values(0, 1) - values(0, -1)) / 2
    dxx = (values(2, 0) - 2 * values(0, 0) + values(-2, 0)) / 4
    dyy = (values(0, 2) - 2 * values(0, 0) + values(0, -2)) / 4
    dxy = (values(1, 1) - values(1, -1) - values(-1, 1) + values(-1, -1)) / 4
    determinant = dxx * dyy - dxy**2
    curved = determinant != 0
    inner, divisor = inner[curved], determinant[curved]
    offsets[inner, 0] = -(dyy * dx - dxy * dy)[curved] / divisor
    offsets[inner, 1] = -(dxx * dy - dxy * dx)[curved] / divisor
    return offsets


def _smoothed(maps: np.ndarray) -> np.ndarray:
    """float64, each map convolved with the Gaussian of side ``_DARK_KERNEL``; zero beyond the border."""
    import cv2

    side = (_DARK_KERNEL, _DARK_KERNEL)
    smoothed = [cv2.GaussianBlur(one.astype(np.float64), side, 0, borderType=cv2.BORDER_CONSTANT) for one in maps]
    return np.array(smoothed).reshape(maps.shape)


def _around(
    maps: np.ndarray, x: np.ndarray, y: np.ndarray, before: int, after: int
) -> tuple[np.ndarray, Callable[[int, int], np.ndarray]]:
    """Which maps have so many pixels before and after their highest one along both sides, and a function that gives for these
    the values at some steps from it, float64."""
    height, width = maps.shape[1:]
    enough = (x >= before) & (x < width - after) & (y >= before) & (y < height - after)
    inner = np.flatnonzero(enough)

    def values(right: int, down: int) -> np.ndarray:
        return maps[inner, y[inner] + down, x[inner] + right].astype(np.float64)

    return inner, values


REFINEMENTS: Mapping[Refinement, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "quarter": _quarter,
    "dark": _dark,
}
