"""Samples as COCO-WholeBody has them: one entry per picture, one annotation per person.

Fields and their order are those of the COCO-WholeBody annotations (Jin et al., ECCV 2020; data format in
https://github.com/jin-s13/COCO-WholeBody) on top of COCO's person keypoints (https://cocodataset.org/#format-data).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from humanverse.errors import UserError
from schemas.layers import OK
from schemas.skeletons import BODY, BODY_EDGES, PARTS, WHOLEBODY

CATEGORY: Mapping[str, Any] = {
    "id": 1,
    "name": "person",
    "supercategory": "person",
    "keypoints": list(BODY),
    "skeleton": [[start + 1, end + 1] for start, end in BODY_EDGES],
}
PEOPLE_PER_PICTURE = 10_000
LABELLED = 2
DIGITS = 3
"""After the point, of pixels and confidences: no more is told than float32 holds, and less than half the text is needed."""
_PARTS = {
    "foot": ("foot_kpts", "feet", None),
    "face": ("face_kpts", "face", "face_box"),
    "lefthand": ("lefthand_kpts", "left_hand", "lefthand_box"),
    "righthand": ("righthand_kpts", "right_hand", "righthand_box"),
}
"""COCO-WholeBody's name of a part -> its field of points, our part, its field of a box."""


class Least(NamedTuple):
    """What is too uncertain to be told: people of a lower score, and points of this confidence or a lower one."""

    score: float = 0.0
    confidence: float = 0.0


def image_id(columns: Mapping[str, Any]) -> int:
    """The source row: the same in every export of a dataset, and no two samples have one."""
    return int(columns["row"])


def image_entry(columns: Mapping[str, Any], file_name: str) -> dict[str, Any]:
    """The picture's entry under ``images``; ``uid`` and ``url`` are ours. ``coco_url`` is there only if it is of the web."""
    url = columns["url"]
    return {
        "id": image_id(columns),
        "file_name": file_name,
        "width": columns["width"],
        "height": columns["height"],
        **({"coco_url": url} if url and url.lower().startswith(("http://", "https://")) else {}),
        "url": url,
        "uid": columns["uid"],
    }


def people(
    columns: Mapping[str, Any], person: Mapping[str, Any], pose: Mapping[str, Any] | None, least: Least
) -> Iterator[dict[str, Any]]:
    """The picture's entries under ``annotations``, one per person of the person layer whose score is high enough.

    Args:
        columns: its row of the images table.
        person: its row of the person layer.
        pose: its row of the pose layer; without one there are boxes alone.
        least: what is left out.

    Raises:
        UserError: if there are too many people to number.
    """
    if person["status"] != OK:
        return
    boxes = person["boxes"]
    if len(boxes) >= PEOPLE_PER_PICTURE:
        raise UserError(
            f"{columns['uid']} has {len(boxes)} people, and COCO's numbers have room for 9999: leave it out by a view"
        )
    points = pose is not None and pose["status"] == OK and len(pose["keypoints"]) == len(boxes)
    for index, (box, score) in enumerate(zip(boxes, person["scores"], strict=True)):
        if score < least.score:
            continue
        x0, y0, x1, y1 = box
        area = _item(person.get("areas"), index)
        yield {
            "id": image_id(columns) * PEOPLE_PER_PICTURE + index + 1,
            "image_id": image_id(columns),
            "category_id": CATEGORY["id"],
            "bbox": _rounded([x0, y0, x1 - x0, y1 - y0]),
            "area": round((x1 - x0) * (y1 - y0) if area is None else area, DIGITS),
            "iscrowd": int(bool(_item(person.get("crowd"), index))),
            "score": round(score, DIGITS),
            **(
                keypoints(pose["keypoints"][index], pose["present"][index], least.confidence) if pose and points else {}
            ),
        }


def _item(values: list[Any] | None, index: int) -> Any:
    return None if values is None else values[index]


def _rounded(values: Any) -> list[float]:
    return np.round(np.asarray(values, np.float64), DIGITS).tolist()


def keypoints(flat: list[float], present: list[bool], least: float) -> dict[str, Any]:
    """The fields of one person's points. Body: x, y, v of each; other parts: x, y, confidence, as COCO-WholeBody has them.

    Args:
        flat: 133 x (x, y, confidence).
        present: whether there is an estimator for each.
        least: a keypoint is labelled (v = 2) if it is present and its confidence is higher; else it is 0, 0, 0.
    """
    points = np.array(flat, np.float64).reshape(len(WHOLEBODY), 3)
    labelled = np.array(present, bool) & (points[:, 2] > least)
    points[~labelled] = 0
    body = points[PARTS["body"].start : PARTS["body"].stop].copy()
    body[:, 2] = LABELLED * (body[:, 2] > 0)
    fields: dict[str, Any] = {
        "num_keypoints": int((body[:, 2] > 0).sum()),
        "keypoints": [int(v) if at % 3 == 2 else v for at, v in enumerate(_rounded(body.ravel()))],
    }
    for name, (kpts, part, box) in _PARTS.items():
        slots = PARTS[part]
        found, valid = points[slots.start : slots.stop], labelled[slots.start : slots.stop]
        fields |= {kpts: _rounded(found.ravel()), f"{name}_valid": bool(valid.any())}
        if box is not None:
            fields[box] = _box(found[valid, :2])
    return fields


def _box(points: np.ndarray) -> list[float]:
    """(x, y, width, height) around the points; zeros for none."""
    if not len(points):
        return [0.0] * 4
    low, high = points.min(axis=0), points.max(axis=0)
    return _rounded([*low, *(high - low)])
