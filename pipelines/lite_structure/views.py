"""Examples as the network sees them: a window, what the lite estimators say of it, and what is true of its pixels.

``plain`` shows an example as the annotator would see it, ``varied`` for training: other windows, mirrored, other backgrounds,
and the faults of cameras, JPEG and estimators.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from annotators.pose.crops import Window, cut
from annotators.structure.inputs import around_people, planes
from pipelines.lite_structure import said
from pipelines.lite_structure.examples import Example
from pipelines.lite_structure.pixels import developed
from schemas.skeletons import WHOLEBODY_FLIP

Rng = np.random.Generator
Backdrop = Callable[[Rng, int], np.ndarray]
"""uint8 (side, side, 3): something without people to put behind them."""

_SHIFT, _ZOOM, _CLOSE = 0.06, 0.2, (0.45, 0.8)
_OFTEN_CLOSE, _OFTEN_OTHER_BACKGROUND = 0.2, 0.35
_ROLL = 6.0
_MASKS = (0.7, 0.2, 0.1)
"""How often the mask is that of the segmenter, the true one made worse, and none at all."""


@dataclass(frozen=True)
class Truth:
    """What is true of each pixel.

    Attributes:
        depth: float32 (side, side), metres; 0 where none is known.
        normal: float32 (3, side, side), unit vectors; 0 where none is known.
        people: bool (side, side), where a person is seen.
    """

    depth: np.ndarray
    normal: np.ndarray
    people: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """bool (side, side): where depth and normal are known."""
        return self.depth > 0


@dataclass(frozen=True)
class View(Truth):
    """Attributes:
    input: float32 (8, side, side), as ``annotators.structure.inputs.planes`` makes it.
    """

    input: np.ndarray


def placed(values: np.ndarray, window: Window, side: int, between: bool = False, outside: float = 0) -> np.ndarray:
    """The window of a map, at ``side`` pixels: the nearest pixel's values, or interpolated ``between`` pixels."""
    linear = window.axes / side
    origin = window.to_picture(np.array([0.5 / side, 0.5 / side])) - 0.5
    flags = (cv2.INTER_LINEAR if between else cv2.INTER_NEAREST) | cv2.WARP_INVERSE_MAP
    matrix = np.column_stack([linear, origin])
    return np.asarray(
        cv2.warpAffine(
            values, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=(outside,) * 4
        )
    )


def turned(normal: np.ndarray, angle: float) -> np.ndarray:
    """Normals (side, side, 3) of a window whose x axis points to ``angle`` in the picture, as its own camera would see them."""
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y, z = np.moveaxis(normal, 2, 0)
    return np.stack([cosine * x - sine * y, sine * x + cosine * y, z], axis=2)


def _truth(example: Example, window: Window, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth (side, side), normal (side, side, 3) and people (side, side) of the window."""
    depth = placed(example.depth.astype(np.float32), window, side)
    normal = placed(example.normal.astype(np.float32), window, side) / 127
    normal /= np.maximum(np.linalg.norm(normal, axis=2, keepdims=True), 1e-6)
    people = placed(example.owners.astype(np.int16), window, side, outside=-1) >= 0
    return depth, turned(normal, window.angle), people


def _estimates(example: Example, window: Window, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Points and boxes as the lite estimators might say them, in fractions of the window."""
    points = said.points_said(example.points, example.boxes, rng)
    boxes = said.boxes_said(example.boxes, rng)
    points[:, :, :2] = window.to_crop(points[:, :, :2])
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    at = window.to_crop(corners)
    return points, np.concatenate([at.min(axis=1), at.max(axis=1)], axis=1)


def plain(example: Example, rng: Rng, side: int) -> View:
    """The window around the people, with boxes and points as the lite estimators might say them; else as it is."""
    window = around_people(said.boxes_said(example.boxes, rng))
    depth, normal, people = _truth(example, window, side)
    points, boxes = _estimates(example, window, rng)
    mask = placed(example.mask, window, side, between=True) / np.float32(255)
    shown = planes(cut(example.rgb, window, side), mask, points, boxes)
    return View(depth, normal.transpose(2, 0, 1), people, shown)


def _window(boxes: np.ndarray, rng: Rng) -> Window:
    around = around_people(said.boxes_said(boxes, rng))
    if rng.random() < _OFTEN_CLOSE:
        side = around.side * rng.uniform(*_CLOSE)
        shift = rng.uniform(-0.5, 0.5, 2) * (around.side - side)
    else:
        side = around.side * float(np.exp(rng.uniform(-_ZOOM, _ZOOM)))
        shift = rng.uniform(-_SHIFT, _SHIFT, 2) * side
    angle = float(np.radians(rng.normal(0, _ROLL)))
    return replace(around, x=around.x + shift[0], y=around.y + shift[1], side=side, angle=angle)


def worse_mask(people: np.ndarray, rng: Rng) -> np.ndarray:
    """float32 (side, side): a mask of people as a poor segmenter might say it: edges moved, pieces missing or too many."""
    side = people.shape[0]
    blobs = cv2.resize(rng.normal(0, 1, (9, 9)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    moved = cv2.GaussianBlur(people.astype(np.float32), (0, 0), side * rng.uniform(0.004, 0.02)) + 0.25 * blobs
    return np.clip((moved - 0.5) * rng.uniform(2, 8) + 0.5, 0, 1)


def _mask(example: Example, window: Window, people: np.ndarray, rng: Rng) -> np.ndarray:
    choice = rng.choice(len(_MASKS), p=_MASKS)
    if choice == 0:
        return placed(example.mask, window, people.shape[0], between=True) / np.float32(255)
    return worse_mask(people, rng) if choice == 1 else np.zeros(people.shape, np.float32)


def _behind(rgb: np.ndarray, people: np.ndarray, other: np.ndarray, rng: Rng) -> np.ndarray:
    """The people of ``rgb`` in front of another background."""
    seen = cv2.GaussianBlur(people.astype(np.float32), (0, 0), rng.uniform(0.4, 1.0))[:, :, None]
    return np.rint(rgb * seen + other * (1 - seen)).astype(np.uint8)


def varied(example: Example, rng: Rng, side: int, backdrop: Backdrop) -> View:
    """As ``plain``, of a window drawn anew, and with all that photographs have and renderings lack."""
    window = _window(example.boxes, rng)
    depth, normal, people = _truth(example, window, side)
    points, boxes = _estimates(example, window, rng)
    rgb = cut(example.rgb, window, side)
    mask = _mask(example, window, people, rng)
    if rng.random() < _OFTEN_OTHER_BACKGROUND:
        rgb = _behind(rgb, people, backdrop(rng, side), rng)
    normal = normal.transpose(2, 0, 1)
    if rng.random() < 0.5:
        rgb = rgb[:, ::-1]
        depth, normal, people, mask = (one[..., ::-1] for one in (depth, normal, people, mask))
        normal = normal * np.array([-1, 1, 1], np.float32)[:, None, None]
        points = points[:, list(WHOLEBODY_FLIP)] * (-1, 1, 1) + (1, 0, 0)
        boxes = boxes[:, [2, 1, 0, 3]] * (-1, 1, -1, 1) + (1, 0, 1, 0)
    shown = planes(developed(np.ascontiguousarray(rgb), rng), mask, points, boxes)
    depth, normal, people = (np.ascontiguousarray(one) for one in (depth, normal.astype(np.float32), people))
    return View(depth, normal, people, shown)
