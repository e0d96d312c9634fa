"""Rows taken from a picture's frame into its canvas', and back: exact, and cut off at the picture's borders.

``INTO`` has the kinds of layers that an annotator on the canvas may read, ``BACK`` those that it may make: a further kind of
structure is an entry there. A canvas whose margins are all zero is the picture, and rows pass as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from annotators.base import Row, Unavailable
from annotators.outpaint.canvas import Frame
from annotators.person.boxes import areas, clipped, union_area
from annotators.pose.assembly import Skeleton, people_of, pose_row
from annotators.wrong_rows import MAP
from humanverse.codec.maps import label_areas
from schemas.layers import OK
from schemas.skeletons import WHOLEBODY

TOUCHING = 0.01
"""Of the picture's side: a box that ends so near its edge is cut off there."""


def reaching(boxes: np.ndarray, frame: Frame, reach: float) -> np.ndarray:
    """Boxes in the canvas; where one ends at the picture's edge, a body may go on behind it, and so the box does.

    Args:
        boxes: float64 (n, 4), pixels of the picture.
        frame: where the picture lies.
        reach: how far a box that is cut off goes on, in its own lengths along that axis; never beyond the canvas.

    Returns:
        float64 (n, 4), pixels of the canvas.
    """
    size, margins = np.array([frame.size] * 2), np.array([[frame.left, frame.top], [frame.right, frame.bottom]])
    corners = boxes.reshape(-1, 2, 2)
    gaps = np.abs(corners - np.array([[0, 0], frame.size]))
    lengths = (corners[:, 1] - corners[:, 0])[:, None, :]
    further = np.where(gaps <= TOUCHING * size, np.minimum(margins, reach * lengths), 0)
    moved = corners + np.array([[-1], [1]]) * further + np.array(frame.offset)
    return np.asarray(moved.reshape(-1, 4))


def person_into(row: Row, frame: Frame, reach: float) -> Row:
    """A person row in the canvas: the same people in the same order."""
    if row["status"] != OK or frame.same:
        return row
    boxes = reaching(people_of(row)[0], frame, reach)
    return {**row, "boxes": boxes.tolist(), **_shares(boxes, frame.canvas)}


def person_back(row: Row, frame: Frame) -> Row:
    """The people of whom something is in the picture, each box cut off at its borders; areas of masks are not known any more."""
    boxes = clipped(people_of(row)[0] - np.tile(frame.offset, 2), *frame.size)
    inside = np.flatnonzero(areas(boxes) > 0)
    per_person = {name: row[name] for name in ("scores", "crowd") if row.get(name) is not None}
    kept = {name: [values[index] for index in inside] for name, values in per_person.items()}
    return {**row, **kept, "boxes": boxes[inside].tolist(), **_shares(boxes[inside], frame.size), "areas": None}


def _shares(boxes: np.ndarray, size: tuple[int, int]) -> Row:
    """How much of a picture of ``size`` (width, height) boxes cover."""
    total = size[0] * size[1]
    return {"area_ratios": (areas(boxes) / total).tolist(), "union_area_ratio": union_area(boxes) / total}


def pose_back(row: Row, frame: Frame) -> Row:
    """The points that are in the picture; one outside was looked for and is not there: zeros, and ``present`` as before."""
    return pose_row([_skeleton(*person, frame) for person in zip(row["keypoints"], row["present"], strict=True)])


def _skeleton(keypoints: list[float], present: list[bool], frame: Frame) -> Skeleton:
    points = np.array(keypoints, dtype=np.float64).reshape(len(WHOLEBODY), 3)
    points[:, :2] -= frame.offset
    inside = ((points[:, :2] >= 0) & (points[:, :2] <= frame.size)).all(axis=1)
    there = inside & (points[:, 2] != 0)
    return Skeleton(np.where(there[:, None], points, 0).astype(np.float32), np.array(present, dtype=bool))


def map_back(row: Row, frame: Frame) -> Row | Unavailable:
    """The cells of a map that lie in the picture as a whole, none of them changed; ``map_box`` says where they lie.

    Up to a cell at each border is lost where the map's grid does not meet it: bringing the rest to another grid would change
    every value. The arithmetic is of fractions, so that a grid that meets the border loses nothing.
    """
    values = row[MAP]
    box = row.get("map_box") or (0, 0, *frame.canvas)
    columns = _cells(values.shape[1], box[0], box[2], frame.box[0], frame.box[2])
    rows = _cells(values.shape[0], box[1], box[3], frame.box[1], frame.box[3])
    if columns is None or rows is None:
        return Unavailable("no cell of the map lies in the picture as a whole: the estimator's map is too coarse")
    (x0, x1, across), (y0, y1, down) = columns, rows
    where = [across[0] - frame.left, down[0] - frame.top, across[1] - frame.left, down[1] - frame.top]
    return {**row, MAP: values[y0:y1, x0:x1], "map_box": [float(edge) for edge in where]}


def _cells(
    count: int, start: float, stop: float, low: int, high: int
) -> tuple[int, int, tuple[Fraction, Fraction]] | None:
    """Which of ``count`` equal cells from ``start`` to ``stop`` lie between ``low`` and ``high``: [first, last), and from where
    to where these reach; None if there is none."""
    begin = Fraction(start)
    pitch = (Fraction(stop) - begin) / count
    first = max(0, math.ceil((low - begin) / pitch))
    last = min(count, math.floor((high - begin) / pitch))
    return (first, last, (begin + first * pitch, begin + last * pitch)) if first < last else None


def labels_back(row: Row, frame: Frame) -> Row | Unavailable:
    """As ``map_back``, with the names of the labels that are left."""
    cut = map_back(row, frame)
    if isinstance(cut, Unavailable) or row.get("label_names") is None:
        return cut
    names = dict(zip(label_areas(row[MAP])[0], row["label_names"], strict=True))
    return {**cut, "label_names": [names[label] for label in label_areas(cut[MAP])[0]]}


def map_into(row: Row, frame: Frame, reach: float) -> Row:
    """The row of a map that was made without margins: it covers the picture's part of the canvas, and says nothing beside it."""
    if row["status"] != OK or row.get("map_box") is None:
        return row
    return {**row, "map_box": (np.array(row["map_box"]) + np.tile(frame.offset, 2)).tolist()}


INTO: Mapping[str, Callable[[Row, Frame, float], Row]] = {"person": person_into, "segmentation": map_into}
"""By kind of the layer that is read: its row in the canvas, from (row, frame, ``reach``)."""

BACK: Mapping[str, Callable[[Row, Frame], Row | Unavailable]] = {
    "person": person_back,
    "pose": pose_back,
    "depth": map_back,
    "normal": map_back,
    "segmentation": labels_back,
}
"""By kind of the layer that is made, of those that say where something is: the row in the picture, from what was said of the
canvas."""
