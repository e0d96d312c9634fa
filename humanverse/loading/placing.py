"""Dense maps in the frame of a training picture, whatever their resolution and the part of the stored picture that they cover."""

from __future__ import annotations

import cv2
import numpy as np

from humanverse.loading.crop import Crop

Box = tuple[float, float, float, float]
WHOLE = 0.999
"""Share of a pixel's sources that must have a value for it to have one; less than one only for rounding."""

_EXACT = 1e-6
"""Cells by which a place may be beside a centre that it is meant to be on."""


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


def interpolated(values: np.ndarray, box: Box, crop: Crop) -> list[np.ndarray]:
    """A map of numbers in the training picture: averaged down where it is finer, then interpolated bilinearly.

    Args:
        values: float32 (height, width) or (height, width, channels), NaN where there is none.
        box: ``map_box``.

    Returns:
        float32 of the training picture's height and width, one array per channel, NaN where the map does not reach, or one of a
        pixel's sources has no value. Directions are not turned, also in a mirrored picture.
    """
    channels = list(cv2.split(values))
    missing = np.isnan(channels[0])
    if len(channels) == 1 and not missing.any():
        found = [_read(values, box, crop)]
    else:
        there = (~missing).astype(np.float32)
        filled = [np.where(missing, np.float32(0), channel) for channel in channels]
        *found, weight = cv2.split(_read(cv2.merge([*filled, there]), box, crop))
        nowhere = weight < WHOLE
        for channel in found if nowhere.any() else ():
            channel[nowhere] = np.nan
    height, width = values.shape[:2]
    outside = _outside(_in_map(crop, box, width, 0), _in_map(crop, box, height, 1), width, height)
    if outside is not None:
        found = [np.where(outside, np.float32(np.nan), channel) for channel in found]
    return [channel[:, ::-1] for channel in found] if crop.mirrored else found


def _read(values: np.ndarray, box: Box, crop: Crop) -> np.ndarray:
    """``values``, all of them numbers, in the training picture, not mirrored; continued beyond their edges."""
    cells = values.shape[1::-1]
    pitch = [(box[axis + 2] - box[axis]) / cells[axis] * crop.scale for axis in (0, 1)]
    fewer = [max(min(round(cells[axis] * pitch[axis]), cells[axis]), 1) for axis in (0, 1)]
    if fewer != list(cells):
        values = cv2.resize(values, (fewer[0], fewer[1]), interpolation=cv2.INTER_AREA)
    across, down = _in_map(crop, box, fewer[0], 0), _in_map(crop, box, fewer[1], 1)
    (left, step_x), (top, step_y) = _line(across), _line(down)
    if _same_pixels(left, step_x, crop.size[0], fewer[0]) and _same_pixels(top, step_y, crop.size[1], fewer[1]):
        return values[round(top) :, round(left) :][: crop.size[1], : crop.size[0]]
    to_map = np.array([[step_x, 0, left], [0, step_y, top]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(values, to_map, crop.size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _line(places: np.ndarray) -> tuple[float, float]:
    """Where the first centre lies, counted from the centre of the first cell, and the way from one to the next."""
    return float(places[0]) - 0.5, float((places[-1] - places[0]) / (len(places) - 1))


def _same_pixels(first: float, step: float, count: int, cells: int) -> bool:
    """Whether ``count`` places lie on the centres of cells, each on the next one's."""
    start = round(first)
    exact = abs(first - start) < _EXACT and abs((step - 1) * count) < _EXACT
    return exact and start >= 0 and start + count <= cells
