"""What the lite structure network is shown: a square window around the people of a picture, as eight planes.

The planes are the window's colours, the people's poses drawn by side (the person's left, right, and what is of neither), a
mask of people by another estimator, and the boxes of the people. Drawing and mask say what real people have in common with the
synthetic bodies that the network was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from annotators.pose.crops import Window
from schemas.skeletons import PARTS, WHOLEBODY, WHOLEBODY_EDGES

CHANNELS = 8
SIDE = 192
"""Of the window as the shipped network sees it, in pixels: that of the last stage of its training."""
MARGIN = 1.15
"""The window's side, in longer sides of what the boxes cover together."""
SEEN = 0.3
"""Points with a lower confidence are not drawn."""
_LINE = 1 / 96
"""Width of limbs, in sides of the window."""
_LEFT, _RIGHT, _MIDDLE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
_SHIFT = 4
_FAR = 4.0


def around_people(boxes: np.ndarray) -> Window:
    """The window around all ``boxes``, float (n, 4), n > 0, in pixels of the picture."""
    x0, y0 = boxes[:, :2].min(axis=0)
    x1, y1 = boxes[:, 2:].max(axis=0)
    side = MARGIN * max(x1 - x0, y1 - y0, 1.0)
    return Window(float(x0 + x1) / 2, float(y0 + y1) / 2, float(side))


def _side_of(slots: Sequence[int]) -> tuple[int, int, int]:
    """The plane of a point, or of a limb by its two ends."""
    names = {WHOLEBODY[slot].partition("_")[0] for slot in slots}
    return {frozenset({"left"}): _LEFT, frozenset({"right"}): _RIGHT}.get(frozenset(names), _MIDDLE)


_BESIDE_THE_NECK = {
    frozenset(WHOLEBODY.index(f"{side}_{end}") for end in ("ear", "shoulder")) for side in ("left", "right")
}
"""Edges that run through the air and not through the body, so that they are not drawn."""
_EDGES = tuple((edge, _side_of(edge)) for edge in WHOLEBODY_EDGES if frozenset(edge) not in _BESIDE_THE_NECK)
_FACE = tuple(PARTS["face"])


def _fixed(place: np.ndarray) -> tuple[int, int]:
    """A place as OpenCV takes it: whole sixteenths of a pixel, counted from the centre of the first pixel."""
    x, y = np.rint((place - 0.5) * (1 << _SHIFT)).astype(int)
    return int(x), int(y)


def drawn_poses(people: np.ndarray, side: int) -> np.ndarray:
    """uint8 (side, side, 3): limbs of the people's left, their right, and the others with the dots of the face.

    Args:
        people: float (n, 133, 3): x, y in fractions of the window's side, confidence.
        side: of the drawing, in pixels.
    """
    import cv2

    canvas = np.zeros((side, side, 3), np.uint8)
    width = max(1, round(side * _LINE))
    for points in reversed(people):
        seen = (points[:, 2] >= SEEN) & np.isfinite(points).all(axis=1)
        places = np.clip(np.nan_to_num(points[:, :2]), -_FAR, 1 + _FAR) * side
        for slot in _FACE:
            if seen[slot]:
                cv2.circle(canvas, _fixed(places[slot]), 0, _MIDDLE, 1, cv2.LINE_8, _SHIFT)
        for (start, end), plane in _EDGES:
            if seen[start] and seen[end]:
                cv2.line(canvas, _fixed(places[start]), _fixed(places[end]), plane, width, cv2.LINE_AA, _SHIFT)
    return canvas


def drawn_boxes(boxes: np.ndarray, side: int) -> np.ndarray:
    """uint8 (side, side): 255 inside any of ``boxes``, float (n, 4) in fractions of the window's side."""
    canvas = np.zeros((side, side), np.uint8)
    for x0, y0, x1, y1 in np.clip(np.rint(boxes * side), 0, side).astype(int):
        canvas[y0:y1, x0:x1] = 255
    return canvas


def planes(rgb: np.ndarray, mask: np.ndarray, people: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """float32 (``CHANNELS``, side, side): the network's input.

    Args:
        rgb: uint8 (side, side, 3), sRGB; black outside the picture.
        mask: float (side, side), how surely each pixel shows a person, in [0, 1].
        people: as of ``drawn_poses``.
        boxes: as of ``drawn_boxes``.
    """
    side = rgb.shape[0]
    made = np.empty((CHANNELS, side, side), np.float32)
    made[:3] = rgb.transpose(2, 0, 1) / np.float32(64) - 2
    made[3:6] = drawn_poses(people, side).transpose(2, 0, 1) / np.float32(255)
    made[6] = mask
    made[7] = drawn_boxes(boxes, side) / np.float32(255)
    return made


def in_window(window: Window, people: Any, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points and boxes in fractions of the window's side.

    Args:
        window: upright.
        people: per person 133 x 3 numbers (x, y in pixels of the picture, confidence), in any shape that holds these.
        boxes: float (n, 4), in pixels of the picture.
    """
    points = np.array(people, np.float64).reshape(-1, len(WHOLEBODY), 3)
    points[:, :, :2] = window.to_crop(points[:, :, :2])
    return points, window.to_crop(np.asarray(boxes, np.float64).reshape(-1, 2, 2)).reshape(-1, 4)
