"""From annotations in a picture as COCO has it to layer rows in pixels of the stored picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from annotators.person.boxes import areas, clipped, union_area
from humanverse.codec.orientation import raw_box, swaps_sides
from pipelines.truth.coco_json import CocoPerson, CocoPicture
from schemas.skeletons import BODY

Row = dict[str, Any]
UPRIGHT = 1
_BACK = {6: 8, 8: 6}
"""The orientation that undoes another; the others undo themselves."""


class Refused(ValueError):
    """The annotations of a picture cannot be placed in the stored picture; the text says why."""


def orientation(picture: CocoPicture, image: Mapping[str, Any]) -> int:
    """The EXIF orientation to apply to the annotations of ``picture`` before they are upright.

    Annotations are in pixels of the file, turned upright or not: their picture's size says which, where turning changes it.

    Args:
        image: the sample's row of the images table.

    Raises:
        Refused: if size or orientation leave it open.
    """
    said, upright = (picture.width, picture.height), (image["original_width"], image["original_height"])
    if None in said:
        raise Refused("the annotation file does not say the picture's size")
    turned = int(image["original_orientation"])
    if said not in (upright, upright[::-1]) or (said != upright and not swaps_sides(turned)):
        raise Refused(f"the annotated picture has {said[0]} x {said[1]} pixels, this one {upright[0]} x {upright[1]}")
    if turned == UPRIGHT or (swaps_sides(turned) and said == upright != upright[::-1]):
        return UPRIGHT
    if swaps_sides(turned) and said != upright:
        return turned
    raise Refused(f"the picture's EXIF orientation is {turned}, and nothing tells whether the annotations are turned")


class Place:
    """From pixels of an annotated picture to pixels of the stored one.

    Args:
        picture: the annotated picture.
        image: the sample's row of the images table.

    Raises:
        Refused: if it cannot be known.
    """

    def __init__(self, picture: CocoPicture, image: Mapping[str, Any]) -> None:
        self._turn = orientation(picture, image)
        self._raw = float(picture.width or 0), float(picture.height or 0)
        x0, y0, x1, y1 = image["original_box"]
        self.size = np.array([image["width"], image["height"]], np.float64)
        self._start = np.array([x0, y0], np.float64)
        self._scale = self.size / np.array([x1 - x0, y1 - y0], np.float64)
        self.area = float(self._scale.prod())

    def boxes(self, boxes: np.ndarray) -> np.ndarray:
        """float (n, 4), not clipped."""
        if self._turn != UPRIGHT:
            back = _BACK.get(self._turn, self._turn)
            turned = [raw_box((x0, y0, x1, y1), *self._raw, back) for x0, y0, x1, y1 in boxes.tolist()]
            boxes = np.array(turned, np.float64).reshape(-1, 4)
        return np.asarray((boxes - np.tile(self._start, 2)) * np.tile(self._scale, 2))

    def points(self, xy: np.ndarray) -> np.ndarray:
        """float (n, 2)."""
        return self.boxes(np.tile(xy, 2))[:, :2]


def rows(picture: CocoPicture, image: Mapping[str, Any]) -> dict[str, Row]:
    """The columns of the person and the pose row, by kind; people outside the stored picture are left out of both.

    Raises:
        Refused: if the annotations cannot be placed in this picture.
    """
    place = Place(picture, image)
    whole = place.boxes(np.array([person.box for person in picture.people], np.float64).reshape(-1, 4))
    boxes = clipped(whole.astype(np.float32), *place.size.tolist())
    inside = np.flatnonzero(areas(boxes) > 0)
    people = [picture.people[index] for index in inside]
    return {
        "person": _person_row(people, whole[inside], boxes[inside], place),
        "pose": _pose_row(people, place),
    }


def _person_row(people: list[CocoPerson], whole: np.ndarray, boxes: np.ndarray, place: Place) -> Row:
    exact = boxes.astype(np.float64)
    pixels = float(place.size.prod())
    left = areas(exact) / np.maximum(areas(whole), 1e-12)
    masks = [None if person.area is None else person.area * place.area for person in people]
    known = [mask * share for mask, share in zip(masks, left.tolist(), strict=True) if mask is not None]
    return {
        "boxes": boxes.tolist(),
        "scores": [1.0] * len(people),
        "area_ratios": (areas(exact) / pixels).tolist(),
        "union_area_ratio": union_area(exact) / pixels,
        "areas": known if len(known) == len(people) else None,
        "crowd": [person.crowd for person in people],
    }


def _pose_row(people: list[CocoPerson], place: Place) -> Row:
    made = [_points(person, place) for person in people]
    present = [points[:, 2] > 0 for points in made]
    body = [points[: len(BODY), 2] for points in made]
    return {
        "keypoints": [points.ravel().tolist() for points in made],
        "present": [there.tolist() for there in present],
        "scores": [float(part[part > 0].mean()) if part.any() else 0.0 for part in body],
    }


def _points(person: CocoPerson, place: Place) -> np.ndarray:
    """float (133, 3) in the stored picture; zeros for what is not labelled, or lies outside, and for a crowd."""
    points = person.points
    xy = place.points(points[:, :2])
    there = (points[:, 2] > 0) & (xy >= 0).all(axis=1) & (xy <= place.size).all(axis=1) & (not person.crowd)
    return np.where(there[:, None], np.column_stack([xy, points[:, 2]]), 0.0)
