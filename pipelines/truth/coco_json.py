"""The people in a COCO JSON file: instances, person_keypoints, or COCO-WholeBody with its feet, face and hands."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from humanverse.errors import UserError, one_line
from schemas.skeletons import PARTS, WHOLEBODY

PERSON = "person"
WHAT = "give COCO's instances, person_keypoints or COCO-WholeBody annotations"
VISIBLE, OCCLUDED = 1.0, 0.5
"""Confidence of a point that is labelled and visible (v = 2), and labelled and not visible (v = 1)."""


@dataclass(frozen=True)
class _Group:
    """Where the points of some parts stand in an annotation.

    Attributes:
        key: of the list (x, y, v, x, y, v, ...).
        valid: of the flag that says whether they were labelled; empty if there is none.
        graded: whether v tells visible from occluded; else it only tells labelled from not.
    """

    key: str
    valid: str
    graded: bool


_GROUPS = {
    "body": _Group("keypoints", "", True),
    "feet": _Group("foot_kpts", "foot_valid", True),
    "face": _Group("face_kpts", "face_valid", False),
    "left_hand": _Group("lefthand_kpts", "lefthand_valid", False),
    "right_hand": _Group("righthand_kpts", "righthand_valid", False),
}


@dataclass(frozen=True)
class CocoPerson:
    """One annotated person; coordinates as in the file.

    Attributes:
        box: x0, y0, x1, y1.
        area: of the mask; None if the file does not say it.
        crowd: whether the box is of a crowd.
        parts: part -> float32 (points, 3), x, y and ``VISIBLE``, ``OCCLUDED`` or 0 for a point that is not labelled.
    """

    box: tuple[float, float, float, float]
    area: float | None
    crowd: bool
    parts: Mapping[str, np.ndarray]

    @property
    def points(self) -> np.ndarray:
        """float64 (133, 3)."""
        points = np.zeros((len(WHOLEBODY), 3))
        for part, given in self.parts.items():
            points[PARTS[part].start : PARTS[part].stop] = given
        return points


@dataclass(frozen=True)
class CocoPicture:
    """One picture of the file: its identity, its size if the file says it, and the people in it, in the file's order."""

    id: int | str
    name: str
    width: int | None
    height: int | None
    people: tuple[CocoPerson, ...]


@dataclass(frozen=True)
class CocoFile:
    """What a file says.

    Attributes:
        path: of the file.
        sha256: of its bytes, in hex.
        pictures: all of them, also those without people.
        has_points: whether any of its people has points.
    """

    path: Path
    sha256: str
    pictures: tuple[CocoPicture, ...]
    has_points: bool


def read(path: Path) -> CocoFile:
    """Read a file; it is in memory as a whole while it is read, and its people afterwards.

    Raises:
        UserError: if it cannot be read, or does not tell of people as COCO does.
    """
    data = _bytes(path)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON ({one_line(error, 120)}): {WHAT}") from error
    if not isinstance(value, dict) or not all(isinstance(value.get(key), list) for key in ("images", "annotations")):
        raise UserError(f"{path} has no lists 'images' and 'annotations': {WHAT}")
    people = _people(path, value)
    pictures = tuple(_picture(path, entry, people) for entry in value["images"])
    twice = [number for number, times in Counter(picture.id for picture in pictures).items() if times > 1]
    if twice:
        raise UserError(f"{path}: several of its images have the id {twice[0]}: {WHAT}")
    if people:
        raise UserError(f"{path}: annotations of picture {next(iter(people))}, which is not among its images: {WHAT}")
    has_points = any(person.parts for picture in pictures for person in picture.people)
    return CocoFile(path, hashlib.sha256(data).hexdigest(), pictures, has_points)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except IsADirectoryError as error:
        raise UserError(f"{path} is a folder: give one JSON file") from error
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}: {WHAT}") from error


def _categories(path: Path, value: Mapping[str, Any]) -> set[Any]:
    """Ids of the categories that are people."""
    try:
        found = {entry["id"] for entry in value.get("categories") or () if entry["name"] == PERSON}
    except (KeyError, TypeError) as error:
        raise UserError(f"{path}: its categories are not as COCO has them: {WHAT}") from error
    if not found:
        raise UserError(f"{path} has no category 'person': {WHAT}")
    return found


def _people(path: Path, value: Mapping[str, Any]) -> dict[Any, list[CocoPerson]]:
    """The people by the id of their picture."""
    wanted = _categories(path, value)
    found: dict[Any, list[CocoPerson]] = {}
    for index, entry in enumerate(value["annotations"]):
        try:
            if entry["category_id"] in wanted:
                found.setdefault(entry["image_id"], []).append(_person(entry))
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{path}: annotation {index} is not as COCO has it ({one_line(error, 120)}): {WHAT}"
            ) from error
    return found


def _person(entry: Mapping[str, Any]) -> CocoPerson:
    x, y, width, height = (float(number) for number in entry["bbox"])
    box = (x, y, x + width, y + height)
    area = entry.get("area")
    if not np.isfinite([*box, area or 0.0]).all():
        raise ValueError("bbox or area is not a number")
    parts = dict(_parts(entry))
    return CocoPerson(box, None if area is None else float(area), bool(entry.get("iscrowd", 0)), parts)


def _parts(entry: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    for part, group in _GROUPS.items():
        if group.key in entry:
            given = np.array(entry[group.key], np.float32).reshape(len(PARTS[part]), 3)
            labelled = (given[:, 2] > 0) & bool(entry.get(group.valid, True)) & np.isfinite(given).all(axis=1)
            seen = (given[:, 2] >= 2) | (not group.graded)
            given[:, 2] = np.where(labelled, np.where(seen, VISIBLE, OCCLUDED), 0)
            yield part, given


def _picture(path: Path, entry: Any, people: dict[Any, list[CocoPerson]]) -> CocoPicture:
    """One picture; its people are taken out of ``people``."""
    try:
        name, number = str(entry["file_name"]), entry["id"]
        width, height = (None if entry.get(side) is None else int(entry[side]) for side in ("width", "height"))
        return CocoPicture(number, name, width, height, tuple(people.pop(number, ())))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path}: an entry of images is not as COCO has it ({one_line(error, 120)}): {WHAT}") from error
