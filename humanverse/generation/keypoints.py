"""Skeletons from JSON: COCO's annotations, COCO-WholeBody's, results of estimators, or a bare list of people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from humanverse.drawing.skeleton import SEEN
from humanverse.errors import UserError
from humanverse.generation.skeletons import People, Size
from schemas.skeletons import PARTS, WHOLEBODY

BODY = len(PARTS["body"])
WHAT = f"give people with 17 or 133 points of x, y, confidence (seen from {SEEN} on), as COCO has them"
_GROUPS: Mapping[str, str] = {
    "foot_kpts": "feet",
    "face_kpts": "face",
    "lefthand_kpts": "left_hand",
    "righthand_kpts": "right_hand",
}
"""Key of an annotation beside ``keypoints`` -> the part whose points it has."""
_UNGRADED = (*PARTS["face"], *PARTS["left_hand"], *PARTS["right_hand"])
"""Points whose flags tell labelled from not, and no more (COCO-WholeBody)."""
_VISIBLE = 2.0
"""COCO's flag of a point that is labelled and visible; 1 is labelled and hidden, 0 is not labelled."""


@dataclass(frozen=True)
class Picture:
    """The people of a picture.

    Attributes:
        names: any of which names it: its id, its file's name.
        size: in pixels; None if the file does not say it.
        people: as the file has them.
    """

    names: tuple[str, ...]
    size: Size | None
    people: Sequence[Any]


def read(path: Path, item: str | None = None) -> list[People]:
    """The skeletons of a file.

    Args:
        item: the id or file name of the picture that is wanted; None for all that show people, in turn.

    Returns:
        One for each picture that shows somebody; whoever has no point that is seen is left out.

    Raises:
        UserError: if the file cannot be read, is of another form, or shows nobody.
    """
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}: give a file of keypoints") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON: {WHAT}") from error
    pictures, flagged = _pictures(path, value)
    if item is not None:
        pictures = [picture for picture in pictures if item in picture.names]
        if not pictures:
            raise UserError(f"{path} has no picture {item}: name one by its id or file name, or leave it out for all")
    try:
        people = [[_points(person) for person in picture.people] for picture in pictures]
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path}: {error}: {WHAT}") from error
    told = [person[:, 2] for several in people for person in several]
    confident = _of_flags if flagged or _are_flags(told) else _at_most_1
    found = [
        _skeleton(path, picture, [confident(person) for person in several])
        for picture, several in zip(pictures, people, strict=True)
    ]
    seen = [skeleton for skeleton in found if skeleton is not None]
    if not seen:
        raise UserError(f"{path} has nobody with points that are seen{_where(pictures)}: {WHAT}")
    return seen


def _where(pictures: Sequence[Picture]) -> str:
    """In which of a file's pictures."""
    if len(pictures) > 1:
        return f" in any of its {len(pictures)} pictures"
    names = [picture.names[-1] for picture in pictures if picture.names]
    return f" in picture {names[0]}" if names else ""


def _skeleton(path: Path, picture: Picture, people: Sequence[np.ndarray]) -> People | None:
    """None if nobody is seen."""
    shown = [person for person in people if (person[:, 2] >= SEEN).any()]
    if not shown:
        return None
    named = picture.names[-1] if picture.names else None
    return People.of(shown, picture.size, source={"kind": "keypoints", "file": str(path), "picture": named})


def _points(person: Any) -> np.ndarray:
    """float32 (133, 3) of a person in the file.

    Raises:
        ValueError: if these are not 17 or 133 triples.
    """
    given = person if isinstance(person, Mapping) else {"keypoints": person}
    body = _triples(given["keypoints"], "a person")
    if len(body) not in (BODY, len(WHOLEBODY)):
        raise ValueError(f"a person has {len(body)} points")
    points = np.zeros((len(WHOLEBODY), 3), np.float32)
    points[: len(body)] = body
    for key, part in _GROUPS.items():
        if key in given:
            slots = PARTS[part]
            of_part = _triples(given[key], key)
            if len(of_part) != len(slots):
                raise ValueError(f"{key} has {len(of_part)} points, not {len(slots)}")
            points[slots.start : slots.stop] = of_part
    points[~np.isfinite(points).all(axis=1)] = 0
    return points


def _triples(numbers: Any, whose: str) -> np.ndarray:
    try:
        flat = np.asarray(numbers, np.float32).ravel()
    except (ValueError, TypeError) as error:
        raise ValueError(f"the points of {whose} are not numbers") from error
    if flat.size % 3:
        raise ValueError(f"{whose} has {flat.size} numbers, which are no triples")
    return flat.reshape(-1, 3)


def _are_flags(numbers: Sequence[np.ndarray]) -> bool:
    """Whether third numbers are COCO's flags: whole numbers, and one of them is of a visible point.

    Estimators' confidences are in [0, 1] or, as peaks of a heat map are, now and then a little above.
    """
    told = np.concatenate(numbers) if numbers else np.zeros(0)
    return bool(np.isin(told, (0, 1, _VISIBLE)).all() and (told == _VISIBLE).any())


def _at_most_1(person: np.ndarray) -> np.ndarray:
    """Confidences as they are, cut off at 1."""
    return np.column_stack([person[:, :2], person[:, 2].clip(max=1)])


def _of_flags(person: np.ndarray) -> np.ndarray:
    """COCO's flags as confidence: 1 for visible, 0.5 for hidden; any flag of face and hands is 1."""
    flags = person[:, 2].copy()
    confidence = np.clip(flags / _VISIBLE, 0, 1)
    ungraded = list(_UNGRADED)
    confidence[ungraded] = flags[ungraded] > 0
    return np.column_stack([person[:, :2], confidence]).astype(np.float32)


def _of_annotations(value: Any) -> Iterator[Picture]:
    people: dict[Any, list[Any]] = {}
    for entry in value["annotations"]:
        if "keypoints" in entry and not entry.get("iscrowd"):
            people.setdefault(entry["image_id"], []).append(entry)
    for image in value["images"]:
        names = (str(image["id"]), *([str(image["file_name"])] if "file_name" in image else []))
        yield Picture(names, _size(image), people.get(image["id"], []))


def _of_results(value: Any) -> Iterator[Picture]:
    people: dict[Any, list[Any]] = {}
    for entry in value:
        people.setdefault(entry["image_id"], []).append(entry)
    for name, several in people.items():
        yield Picture((str(name),), None, several)


def _of_one_picture(value: Any) -> Iterator[Picture]:
    yield Picture((), _size(value), value["people"])


def _of_ours(value: Any) -> Iterator[Picture]:
    """Of the JSON that is written beside a generated picture."""
    return _of_one_picture(value["skeleton"])


def _of_people(value: Any) -> Iterator[Picture]:
    yield Picture((), None, value)


def _size(entry: Mapping[str, Any]) -> Size | None:
    width, height = entry.get("width"), entry.get("height")
    return (int(width), int(height)) if width and height else None


def _has(value: Any, *keys: str) -> bool:
    return isinstance(value, Mapping) and all(isinstance(value.get(key), list) for key in keys)


_FORMS: Sequence[tuple[Callable[[Any], bool], Callable[[Any], Iterator[Picture]], bool]] = (
    (lambda value: _has(value, "images", "annotations"), _of_annotations, True),
    (lambda value: _has(value, "people"), _of_one_picture, False),
    (lambda value: isinstance(value, Mapping) and _has(value.get("skeleton"), "people"), _of_ours, False),
    (lambda value: isinstance(value, list) and bool(value) and _is_result(value[0]), _of_results, False),
    (lambda value: isinstance(value, list), _of_people, False),
)
"""Whether a value is of a form, its pictures, and whether third numbers are COCO's flags in any case."""


def _is_result(entry: Any) -> bool:
    return isinstance(entry, Mapping) and "image_id" in entry


def _pictures(path: Path, value: Any) -> tuple[list[Picture], bool]:
    """The pictures of a file, and whether third numbers are flags.

    Raises:
        UserError: if it is of no form that is known.
    """
    for fits, pictures, flags in _FORMS:
        if fits(value):
            try:
                return list(pictures(value)), flags
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise UserError(f"{path} is not as COCO has it ({type(error).__name__} {error}): {WHAT}") from error
    raise UserError(f"{path} has neither people nor images with annotations: {WHAT}")
