"""Two dense maps on one grid: the part of the stored picture that both cover, at the pitch of the coarser one.

A map's pixel (i, j) stands for a cell of ``map_box``, which is in pixels of the stored picture. The finer map is brought to the
pitch of the coarser by area averages, then both are read by bilinear interpolation at the centres of the grid's cells. Where any
pixel that takes part has no value, the grid has none. Maps of label ids are neither averaged nor interpolated: each cell of the
grid has the id of the pixel that its centre lies in.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

WHOLE = 0.999
"""Share of valid pixels from which a cell counts as covered; less than one only for rounding."""


@dataclass(frozen=True)
class Placed:
    """A map and where it lies: float (height, width) or (height, width, 3), NaN where there is nothing, or integer label ids
    (height, width); its ``map_box``."""

    values: np.ndarray
    box: tuple[float, float, float, float]

    @property
    def pitch(self) -> np.ndarray:
        """Width and height of a cell, in pixels of the stored picture."""
        x0, y0, x1, y1 = self.box
        return np.array([(x1 - x0) / self.values.shape[1], (y1 - y0) / self.values.shape[0]])


def known(values: np.ndarray) -> np.ndarray:
    """bool (height, width): pixels of a map, float (height, width) or (height, width, 3), that have a value in every channel."""
    channels = np.moveaxis(values, 2, 0) if values.ndim == 3 else values[None]
    found = np.isfinite(channels[0])
    for channel in channels[1:]:
        found &= np.isfinite(channel)
    return found


@dataclass(frozen=True)
class _Grid:
    """The centres ``xs`` by ``ys`` of the common grid's cells, and their ``pitch``, all in pixels of the stored picture."""

    pitch: np.ndarray
    xs: np.ndarray
    ys: np.ndarray


def _grid(a: Placed, b: Placed) -> _Grid | None:
    """None if the maps do not overlap by a cell."""
    x0, y0 = max(a.box[0], b.box[0]), max(a.box[1], b.box[1])
    x1, y1 = min(a.box[2], b.box[2]), min(a.box[3], b.box[3])
    pitch = np.maximum(a.pitch, b.pitch)
    width, height = (int((length + 1e-6) // side) for length, side in zip((x1 - x0, y1 - y0), pitch, strict=True))
    if width < 1 or height < 1:
        return None
    xs = x0 + (x1 - x0) * (np.arange(width) + 0.5) / width
    ys = y0 + (y1 - y0) * (np.arange(height) + 0.5) / height
    return _Grid(pitch, xs, ys)


def on_one_grid(a: Placed, b: Placed) -> tuple[np.ndarray, np.ndarray] | None:
    """Both maps on the common grid, NaN where they say nothing; None if they do not overlap by a cell."""
    grid = _grid(a, b)
    return None if grid is None else (_read(a, grid.pitch, grid.xs, grid.ys), _read(b, grid.pitch, grid.xs, grid.ys))


def labels_on_one_grid(a: Placed, b: Placed) -> tuple[np.ndarray, np.ndarray] | None:
    """Both maps of label ids on the common grid; None if they do not overlap by a cell."""
    grid = _grid(a, b)
    return None if grid is None else (_nearest(a, grid.xs, grid.ys), _nearest(b, grid.xs, grid.ys))


def _nearest(one: Placed, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """The ids of ``one`` at the places ``xs`` by ``ys``."""
    x0, y0, x1, y1 = one.box
    height, width = one.values.shape
    across = np.clip(((xs - x0) / (x1 - x0) * width).astype(int), 0, width - 1)
    down = np.clip(((ys - y0) / (y1 - y0) * height).astype(int), 0, height - 1)
    ids: np.ndarray = one.values[np.ix_(down, across)]
    return ids


def _read(one: Placed, pitch: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """``one`` at the places ``xs`` by ``ys``."""
    values = np.atleast_3d(one.values).astype(np.float32)
    valid = known(values)
    stack = np.dstack([np.where(valid[:, :, None], values, 0), valid.astype(np.float32)])
    smaller = np.minimum(np.maximum(np.rint(one.pitch * values.shape[1::-1] / pitch), 1), values.shape[1::-1]).astype(
        int
    )
    if tuple(smaller) != values.shape[1::-1]:
        stack = cv2.resize(stack, (int(smaller[0]), int(smaller[1])), interpolation=cv2.INTER_AREA)
    x0, y0, x1, y1 = one.box
    across = ((xs - x0) / (x1 - x0) * stack.shape[1] - 0.5).astype(np.float32)
    down = ((ys - y0) / (y1 - y0) * stack.shape[0] - 0.5).astype(np.float32)
    maps = np.meshgrid(across, down)
    read = cv2.remap(stack, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    weight = read[:, :, -1:]
    found = np.where(weight >= WHOLE, read[:, :, :-1] / np.maximum(weight, WHOLE), np.nan).astype(np.float64)
    return found[:, :, 0] if one.values.ndim == 2 else found
