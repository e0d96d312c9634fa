"""Draw what was found on a picture: person boxes with scores, and the 133-point skeleton.

Coordinates are pixels of the array that is drawn on, (0, 0) the top left corner; whoever draws on a smaller picture scales them
first. Limbs are anti-aliased and placed to a sixteenth of a pixel, over a dark rim that keeps them visible on any ground.
The person's left is blue, the right orange, what belongs to both yellow: three colours that colour-blind readers tell apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from schemas.skeletons import PARTS, WHOLEBODY, WHOLEBODY_EDGES

SEEN = 0.3
"""Points with a lower confidence are not drawn."""

Colour = tuple[int, int, int]
BOX: Colour = (64, 224, 132)
FAINT_BOX: Colour = (190, 190, 190)
RIM: Colour = (16, 18, 22)
TEXT: Colour = (255, 92, 170)
COLOURS: dict[tuple[str, str], Colour] = {
    ("body", "left"): (56, 152, 255),
    ("body", "right"): (255, 138, 36),
    ("body", "middle"): (255, 222, 72),
    ("feet", "left"): (128, 200, 255),
    ("feet", "right"): (255, 190, 120),
    ("left_hand", "left"): (128, 200, 255),
    ("right_hand", "right"): (255, 190, 120),
    ("face", "middle"): (255, 255, 255),
}
"""sRGB of each part and side."""

_PART = {slot: part for part, slots in PARTS.items() for slot in slots}
_FINE = frozenset({"face", "left_hand", "right_hand"})
"""Parts drawn as thin as possible."""
_SHIFT = 4
_FAR = 20_000
_LABEL_SIZE = 12


def _side(slot: int) -> str:
    side = WHOLEBODY[slot].partition("_")[0]
    return side if side in ("left", "right") else "middle"


def _edge_colour(edge: tuple[int, int]) -> Colour:
    """Of the outer end's part; the side that both ends agree on, where the middle agrees with either."""
    part = max((_PART[slot] for slot in edge), key=lambda name: PARTS[name].start)
    sides = {_side(slot) for slot in edge} - {"middle"}
    return COLOURS[part, sides.pop() if len(sides) == 1 else "middle"]


_EDGES = tuple((edge, _edge_colour(edge)) for edge in WHOLEBODY_EDGES)
_POINTS = tuple(COLOURS[_PART[slot], _side(slot)] for slot in range(len(WHOLEBODY)))


def _fixed(x: float, y: float) -> tuple[int, int]:
    """A place as OpenCV takes it: whole sixteenths of a pixel, counted from the centre of the first pixel."""
    return tuple(round((min(max(float(v), -_FAR), _FAR) - 0.5) * (1 << _SHIFT)) for v in (x, y))  # type: ignore[return-value]


def _pixel(x: float, y: float) -> tuple[int, int]:
    """The nearest pixel: upright lines are crisp on whole pixels."""
    return tuple(round(min(max(float(v), -_FAR), _FAR)) for v in (x, y))  # type: ignore[return-value]


def _line(canvas: np.ndarray, start: Any, end: Any, colour: Colour, thickness: int) -> None:
    cv2.line(canvas, _fixed(*start), _fixed(*end), colour, thickness, cv2.LINE_AA, _SHIFT)


def _dot(canvas: np.ndarray, place: Any, colour: Colour, radius: float) -> None:
    cv2.circle(canvas, _fixed(*place), round(radius * (1 << _SHIFT)), colour, cv2.FILLED, cv2.LINE_AA, _SHIFT)


def _thickness(places: np.ndarray) -> int:
    """Of the limbs, 1 to 3 pixels, by how far the person's drawn points reach."""
    reach = float(np.hypot(*np.ptp(places, axis=0)))
    return int(np.clip(round(reach / 130), 1, 3))


def skeletons(rgb: np.ndarray, people: Sequence[Any]) -> np.ndarray:
    """``rgb`` with skeletons on it.

    Args:
        rgb: uint8 (height, width, 3).
        people: per person 133 x 3 numbers (x, y, confidence), in any shape that holds these.

    Returns:
        A new array.
    """
    canvas = np.ascontiguousarray(rgb).copy()
    for person in people:
        points = np.asarray(person, dtype=np.float64).reshape(len(WHOLEBODY), 3)
        seen = np.isfinite(points).all(axis=1) & (points[:, 2] >= SEEN)
        if seen.any():
            _skeleton(canvas, points[:, :2], seen)
    return canvas


def _skeleton(canvas: np.ndarray, places: np.ndarray, seen: np.ndarray) -> None:
    thickness = _thickness(places[seen])
    edges = [(edge, colour) for edge, colour in _EDGES if seen[list(edge)].all()]
    for (a, b), _ in edges:
        if _PART[a] not in _FINE:
            _line(canvas, places[a], places[b], RIM, thickness + 2)
    for (a, b), colour in edges:
        _line(canvas, places[a], places[b], colour, 1 if _PART[b] in _FINE else thickness)
    for slot in np.flatnonzero(seen):
        fine = _PART[int(slot)] in _FINE
        radius = 0.8 if fine else thickness * 0.75 + 0.75
        _dot(canvas, places[slot], RIM, radius + (0.5 if fine else 1.0))
        _dot(canvas, places[slot], _POINTS[slot], radius)


def boxes(rgb: np.ndarray, found: Sequence[Any], scores: Sequence[float], counted_from: float = 0.0) -> np.ndarray:
    """``rgb`` with person boxes and their scores.

    Args:
        rgb: uint8 (height, width, 3).
        found: per box (x0, y0, x1, y1).
        scores: of the boxes.
        counted_from: boxes with a lower score do not count as people and are drawn thin and grey.

    Returns:
        A new array.
    """
    canvas = np.ascontiguousarray(rgb).copy()
    drawn = [(box, score) for box, score in zip(found, scores, strict=True) if np.isfinite([*box, score]).all()]
    for box, score in reversed(drawn):
        start, end = _pixel(box[0], box[1]), _pixel(box[2] - 1, box[3] - 1)
        if score >= counted_from:
            cv2.rectangle(canvas, start, end, RIM, 4)
        colour, thickness = (BOX, 2) if score >= counted_from else (FAINT_BOX, 1)
        cv2.rectangle(canvas, start, end, colour, thickness)
    return _labelled(canvas, [(box, score, score >= counted_from) for box, score in reversed(drawn)])


def outlines(rgb: np.ndarray, found: Sequence[Any], colour: Colour = TEXT) -> np.ndarray:
    """``rgb`` with thin boxes on it, without words.

    Args:
        rgb: uint8 (height, width, 3).
        found: per box (x0, y0, x1, y1).
        colour: of the boxes.

    Returns:
        A new array.
    """
    canvas = np.ascontiguousarray(rgb).copy()
    for box in found:
        if np.isfinite(box).all():
            cv2.rectangle(canvas, _pixel(box[0], box[1]), _pixel(box[2] - 1, box[3] - 1), colour, 1)
    return canvas


@cache
def _font() -> Any:
    return ImageFont.load_default(_LABEL_SIZE)


def _labelled(rgb: np.ndarray, items: Sequence[tuple[Any, float, bool]]) -> np.ndarray:
    """Scores in the boxes' top left corners, kept inside the picture."""
    image = Image.fromarray(rgb)
    pen = ImageDraw.Draw(image)
    for box, score, counts in items:
        text = f"{score:.2f}"
        width, height = round(pen.textlength(text, font=_font())) + 6, _LABEL_SIZE + 4
        x = int(np.clip(box[0], 0, max(image.width - width, 0)))
        y = int(np.clip(box[1], 0, max(image.height - height, 0)))
        pen.rectangle((x, y, x + width, y + height), fill=BOX if counts else FAINT_BOX)
        pen.text((x + 3, y + 1), text, fill=RIM, font=_font())
    return np.asarray(image)
