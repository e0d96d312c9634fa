"""COCO's evaluation by pycocotools itself, which wants all annotations at once: here those of one shard at a time."""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from humanverse.compare.coco_items import Found, Judged, Picture, Truth, together

_NAMES = {
    "bbox": {"AP": 0, "AP50": 1, "AP75": 2, "AP-S": 3, "AP-M": 4, "AP-L": 5, "AR": 8},
    "keypoints": {"AP": 0, "AP50": 1, "AP75": 2, "AP-M": 3, "AP-L": 4, "AR": 5},
}
"""Of each kind of evaluation, where pycocotools has the figures in ``stats``."""
_ANY = 2**31
"""More detections than there are."""
_PERSON = 1


def _flat(xy: np.ndarray, third: np.ndarray) -> list[float]:
    flat: list[float] = np.column_stack([xy, third]).ravel().tolist()
    return flat


def _wide(box: np.ndarray) -> list[float]:
    return [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])]


def _truth_json(item: Truth, image: int, number: int) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": number,
        "image_id": image,
        "category_id": _PERSON,
        "bbox": _wide(item.box),
        "area": item.area,
        "iscrowd": int(item.crowd),
    }
    if item.points is None:
        return made
    xy, there = item.points
    points = _flat(np.where(there[:, None], xy, 0), 2 * there)
    return made | {"keypoints": points, "num_keypoints": int(there.sum())}


def _found_json(item: Found, image: int) -> dict[str, Any]:
    said: dict[str, Any] = {"image_id": image, "category_id": _PERSON, "score": item.score}
    if item.points is not None:
        return said | {"keypoints": _flat(item.points, np.ones(len(item.points)))}
    assert item.box is not None
    return said | {"bbox": _wide(item.box)}


def _evaluator(kind: str, sigmas: np.ndarray | None, images: int) -> Any:
    from pycocotools.cocoeval import COCOeval

    evaluator = COCOeval(iouType=kind)
    evaluator.params.imgIds = list(range(1, images + 1))
    evaluator.params.catIds = [_PERSON]
    if sigmas is not None:
        evaluator.params.kpt_oks_sigmas = sigmas
    return evaluator


def judge(kind: str, sigmas: np.ndarray | None, pictures: Sequence[Picture]) -> list[Judged]:
    """Match the detections of ``pictures``; of each range of areas what came of it.

    Args:
        kind: ``bbox`` or ``keypoints``.
        sigmas: OKS constants of the slots, for keypoints.
        pictures: at least one.
    """
    from pycocotools.coco import COCO

    numbered = [(image, picture) for image, picture in enumerate(pictures, start=1)]
    truth = [(image, item) for image, (items, _) in numbered for item in items]
    found = [_found_json(item, image) for image, (_, items) in numbered for item in items]
    evaluator = _evaluator(kind, sigmas, len(pictures))
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator.cocoGt = COCO()
        evaluator.cocoGt.dataset = {
            "images": [{"id": image} for image in evaluator.params.imgIds],
            "categories": [{"id": _PERSON, "name": "person"}],
            "annotations": [_truth_json(item, image, number) for number, (image, item) in enumerate(truth, start=1)],
        }
        evaluator.cocoGt.createIndex()
        evaluator.cocoDt = evaluator.cocoGt.loadRes(found) if found else _nothing(evaluator.cocoGt)
        evaluator.evaluate()
    thresholds, images = len(evaluator.params.iouThrs), len(pictures)
    ranges = range(len(evaluator.params.areaRng))
    return [_of_range(evaluator.evalImgs[at * images : (at + 1) * images], thresholds) for at in ranges]


def _nothing(truth: Any) -> Any:
    """The results of a detector that found nobody."""
    from pycocotools.coco import COCO

    empty = COCO()
    empty.dataset = {**truth.dataset, "annotations": []}
    empty.createIndex()
    return empty


def _of_range(results: Sequence[Mapping[str, Any] | None], thresholds: int) -> Judged:
    """The results of all pictures, cut off at COCO's number of detections a picture already."""
    none = np.zeros((thresholds, 0), bool)
    judged = [
        Judged(
            np.asarray(result["dtScores"], np.float64),
            np.asarray(result["dtMatches"], bool),
            np.asarray(result["dtIgnore"], bool),
            int((~np.asarray(result["gtIgnore"], bool)).sum()),
        )
        for result in results
        if result is not None
    ]
    return together([Judged(np.zeros(0), none, none, 0), *judged])


def figures(kind: str, judged: Sequence[Judged]) -> dict[str, float]:
    """COCO's figures by name, -1 for one that has nothing to measure.

    Each item of ``judged`` (a range of areas) is given to pycocotools as the result of one picture with all detections; ``_ANY``
    keeps them from being cut off again.
    """
    evaluator = _evaluator(kind, None, 1)
    evaluator.evalImgs = [
        {
            "dtScores": item.scores,
            "dtMatches": item.matched,
            "dtIgnore": item.ignored,
            "gtIgnore": np.zeros(item.wanted, bool),
        }
        for item in judged
    ]
    limits = evaluator.params.maxDets
    evaluator.params.maxDets = [_ANY - distance for distance in range(len(limits), 0, -1)]
    evaluator._paramsEval = copy.deepcopy(evaluator.params)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator.accumulate()
        evaluator.params.maxDets = limits
        evaluator.summarize()
    return {name: float(evaluator.stats[place]) for name, place in _NAMES[kind].items()}
