"""Dense maps in the frame of a training picture, whatever their resolution and the part of the stored picture that they cover."""

from __future__ import annotations

import cv2
import numpy as np

from humanverse.loading.crop import Crop

Box = tuple[float, float, float, float]
WHOLE = 0.999
"""Share of a pixel's sources that must have a value for it to have one; less than one only for rounding."""


def _centres(crop: Crop, axis: int) -> np.ndarray:
    """Where the centres of the training picture's pixels lie in the stored picture, along x (0) or y (1), not mirrored."""
    return (np.arange(crop.size[axis]) + 0.5 + (crop.left, crop.top)[axis]) / crop.scale


def _in_map(crop: Crop, box: Box, cells: int, axis: int) -> np.ndarray:
    """The same in cells of a map that covers ``box`` of the stored picture."""
    low, high = box[axis], box[axis + 2]
    return (_centres(crop, axis) - low) / (high - low) * cells


def _outside(across: np.ndarray, down: np.ndarray, width: int, height: int) -> np.ndarray | None:
    """bool (height, width) of the training picture: where the map does not reach; None if it reaches everywhere."""
    beyond_x, beyond_y = (across < 0) | (across > width), (down < 0) | (down > height)
    return beyond_y[:, None] | beyond_x[None, :] if beyond_x.any() or beyond_y.any() else None


def nearest(ids: np.ndarray, box: Box, crop: Crop, unknown: int) -> np.ndarray:
    """A map of label ids in the training picture: of each pixel the id of the cell that its centre lies in.

    Args:
        ids: uint8 (height, width).
        box: ``map_box``.
        unknown: the id where the map does not reach.

    Returns:
        uint8, of the size of the training picture.
    """
    height, width = ids.shape
    across, down = _in_map(crop, box, width, 0), _in_map(crop, box, height, 1)
    found = ids[np.clip(down.astype(int), 0, height - 1)][:, np.clip(across.astype(int), 0, width - 1)]
    outside = _outside(across, down, width, height)
    if outside is not None:
        found = np.where(outside, np.uint8(unknown), found)
    return found[:, ::-1] if crop.mirrored else found


def interpolated(values: np.ndarray, box: Box, crop: Crop) -> np.ndarray:
    """A map of numbers in the training picture: averaged down where it is finer, then interpolated bilinearly.

    Args:
        values: float32 (height, width) or (height, width, channels), NaN where there is none.
        box: ``map_box``.

    Returns:
        float32 of the training picture's height and width, NaN where the map does not reach, or one of a pixel's sources has
        no value. Directions are not turned, also in a mirrored picture.
    """
    missing = np.isnan(values if values.ndim == 2 else values[:, :, 0])
    if not missing.any():
        return _read(values, box, crop)
    there = (~missing).astype(np.float32)
    filled = np.where(missing if values.ndim == 2 else missing[:, :, None], np.float32(0), values)
    read = _read(np.dstack([filled, there]), box, crop)
    with np.errstate(invalid="ignore"):
        found = np.where(read[:, :, -1:] >= WHOLE, read[:, :, :-1], np.float32(np.nan))
    return found[:, :, 0] if values.ndim == 2 else found


def _read(values: np.ndarray, box: Box, crop: Crop) -> np.ndarray:
    """``values``, all of them numbers, in the training picture; NaN where they do not reach."""
    cells = values.shape[1::-1]
    pitch = [(box[axis + 2] - box[axis]) / cells[axis] * crop.scale for axis in (0, 1)]
    fewer = [max(min(round(cells[axis] * pitch[axis]), cells[axis]), 1) for axis in (0, 1)]
    if fewer != list(cells):
        values = cv2.resize(values, (fewer[0], fewer[1]), interpolation=cv2.INTER_AREA)
    across, down = _in_map(crop, box, fewer[0], 0), _in_map(crop, box, fewer[1], 1)
    steps = (_step(across), _step(down))
    to_map = np.array([[steps[0], 0, across[0] - 0.5], [0, steps[1], down[0] - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    read = cv2.warpAffine(values, to_map, crop.size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    outside = _outside(across, down, fewer[0], fewer[1])
    if outside is not None:
        read[outside] = np.nan
    return read[:, ::-1] if crop.mirrored else read


def _step(places: np.ndarray) -> float:
    return float((places[-1] - places[0]) / (len(places) - 1))
