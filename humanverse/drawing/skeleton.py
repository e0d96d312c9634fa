"""The drawn skeleton that the generator is conditioned on.

Body, feet, hands and face of each person, on black. Every limb has a colour of its own, the same in every picture, so that the
drawing says which limb is which and which side is the person's left. Widths grow with the picture. A trained model knows this
drawing and no other: another palette or width is another condition.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from schemas.skeletons import PARTS, WHOLEBODY, WHOLEBODY_EDGES

SEEN = 0.3
"""Points with a lower confidence are not drawn."""
LIMB = 1 / 128
"""Width of body and feet limbs, and radius of their joints, in shorter sides of the picture: 4 pixels at 512."""
FINGER = 1 / 256
"""Width of finger bones, and radius of their joints."""
FACE = 1 / 342
"""Radius of the face's dots: 1.5 pixels at 512."""
WHITE = (255, 255, 255)

Colour = tuple[int, int, int]

_GOLDEN = (5**0.5 - 1) / 2
_DIM = 0.6
_HANDS = (*PARTS["left_hand"], *PARTS["right_hand"])
_SHIFT = 4
_FAR = 20_000


def _hue(turn: float, value: float = 1.0) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(turn % 1, 1, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def _finger_colour(slot: int) -> Colour:
    """Five hues for five fingers; the right hand's are dimmer."""
    side = "left_hand" if slot in PARTS["left_hand"] else "right_hand"
    finger = max(slot - PARTS[side].start - 1, 0) // 4
    return _hue(finger / 5, 1.0 if side == "left_hand" else _DIM)


def _is_hand(slot: int) -> bool:
    return slot in _HANDS


def _palettes() -> tuple[dict[tuple[int, int], Colour], dict[int, Colour]]:
    """Colours of the limbs, and of the points. Hues of body and feet follow each other in golden sections of the circle."""
    limbs, points = {}, {}
    for number, edge in enumerate(WHOLEBODY_EDGES):
        limbs[edge] = _finger_colour(edge[1]) if _is_hand(edge[1]) else _hue(number * _GOLDEN)
    for slot in range(len(WHOLEBODY)):
        points[slot] = _finger_colour(slot) if _is_hand(slot) else _hue(slot * _GOLDEN + 0.5, _DIM)
    return limbs, points | dict.fromkeys(PARTS["face"], WHITE)


LIMB_COLOURS, POINT_COLOURS = _palettes()
"""sRGB by edge of ``WHOLEBODY_EDGES``, and by slot of the 133 points."""


def _fixed(place: Any) -> tuple[int, int]:
    """A place as OpenCV takes it: whole sixteenths of a pixel, counted from the centre of the first pixel."""
    x, y = (round((min(max(float(value), -_FAR), _FAR) - 0.5) * (1 << _SHIFT)) for value in place)
    return x, y


def _line(canvas: np.ndarray, start: Any, end: Any, colour: Colour, width: float) -> None:
    cv2.line(canvas, _fixed(start), _fixed(end), colour, max(round(width), 1), cv2.LINE_AA, _SHIFT)


def _dot(canvas: np.ndarray, place: Any, colour: Colour, radius: float) -> None:
    cv2.circle(canvas, _fixed(place), round(max(radius, 0.5) * (1 << _SHIFT)), colour, cv2.FILLED, cv2.LINE_AA, _SHIFT)


def _radius(slot: int) -> float:
    if slot in PARTS["face"]:
        return FACE
    return FINGER if _is_hand(slot) else LIMB


def _person(canvas: np.ndarray, places: np.ndarray, seen: np.ndarray) -> None:
    side = min(canvas.shape[:2])
    for edge, colour in LIMB_COLOURS.items():
        if seen[list(edge)].all():
            _line(canvas, places[edge[0]], places[edge[1]], colour, side * (FINGER if _is_hand(edge[1]) else LIMB))
    for slot in np.flatnonzero(seen):
        _dot(canvas, places[slot], POINT_COLOURS[int(slot)], side * _radius(int(slot)))


def draw_skeleton(people: Sequence[Any], height: int, width: int, seen: float = SEEN) -> np.ndarray:
    """The skeletons of ``people`` on black.

    Args:
        people: per person 133 x 3 numbers (x, y, confidence), in any shape that holds these; in pixels of the drawing, (0, 0) its
            top left corner. The first is drawn last, on top.
        height: of the drawing.
        width: of the drawing.
        seen: points with a lower confidence, or that are not finite, are left out; a limb needs both of its ends.

    Returns:
        uint8 (height, width, 3), sRGB.
    """
    canvas = np.zeros((height, width, 3), np.uint8)
    for person in reversed(people):
        points = np.asarray(person, dtype=np.float64).reshape(len(WHOLEBODY), 3)
        drawn = np.isfinite(points).all(axis=1) & (points[:, 2] >= seen)
        _person(canvas, points[:, :2], drawn)
    return canvas
