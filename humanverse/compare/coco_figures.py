"""COCO's AP and AR, computed by pycocotools itself, shard by shard.

pycocotools wants all annotations at once; here it is given those of one shard, and of its results only what the figures are
made of is kept: for each detection its score, and of each range of areas at each threshold whether it has a match and counts.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from humanverse.errors import UserError

_NAMES = {
    "bbox": {"AP": 0, "AP50": 1, "AP75": 2, "AP-S": 3, "AP-M": 4, "AP-L": 5, "AR": 8},
    "keypoints": {"AP": 0, "AP50": 1, "AP75": 2, "AP-M": 3, "AP-L": 4, "AR": 5},
}
"""Of each kind of evaluation, where pycocotools has the figures in ``stats``."""
_ANY = 2**31
"""More detections than there are."""
_PERSON = 1
NAMES = {kind: tuple(places) for kind, places in _NAMES.items()}


def require() -> None:
    """Raise UserError if pycocotools is not installed."""
    if importlib.util.find_spec("pycocotools") is None:
        raise UserError("AP and AR against ground truth need pycocotools: pip install 'humanverse[coco]'")


@dataclass(frozen=True)
class Truth:
    """One annotated person; coordinates in pixels of the upright original.

    Attributes:
        box: x0, y0, x1, y1.
        area: of the mask, else of the box.
        crowd: whether the box is of a crowd.
        points: (x, y) of all slots, float (k, 2), and which are labelled, bool (k,); None for boxes.
    """

    box: np.ndarray
    area: float
    crowd: bool
    points: tuple[np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True)
class Found:
    """One detection: its score, and its box or its points, float (k, 2)."""

    score: float
    box: np.ndarray | None = None
    points: np.ndarray | None = None


def _flat(xy: np.ndarray, third: np.ndarray) -> list[float]:
    flat: list[float] = np.column_stack([xy, third]).ravel().tolist()
    return flat


def _wide(box: np.ndarray) -> list[float]:
    return [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])]


class Evaluation:
    """One of COCO's evaluations of persons.

    Args:
        kind: ``bbox`` or ``keypoints``.
        sigmas: OKS constants of the slots, for keypoints.
    """

    def __init__(self, kind: str, sigmas: np.ndarray | None = None) -> None:
        self.kind, self._sigmas = kind, sigmas
        self._truth: list[dict[str, Any]] = []
        self._found: list[dict[str, Any]] = []
        self._waiting = 0
        self._kept: list[list[dict[str, Any]]] = []
        self.labelled = 0

    def add(self, truth: Sequence[Truth], found: Sequence[Found]) -> None:
        """One picture."""
        self._waiting += 1
        for item in truth:
            self._truth.append(self._truth_json(item, self._waiting, len(self._truth) + 1))
        for person in found:
            self._found.append(self._found_json(person, self._waiting))

    def _truth_json(self, item: Truth, image: int, number: int) -> dict[str, Any]:
        made: dict[str, Any] = {
            "id": number,
            "image_id": image,
            "category_id": _PERSON,
            "bbox": _wide(item.box),
            "area": item.area,
            "iscrowd": int(item.crowd),
        }
        counts = not item.crowd
        if item.points is not None:
            xy, there = item.points
            made |= {"keypoints": _flat(np.where(there[:, None], xy, 0), 2 * there), "num_keypoints": int(there.sum())}
            counts &= bool(there.any())
        self.labelled += counts
        return made

    @staticmethod
    def _found_json(item: Found, image: int) -> dict[str, Any]:
        said: dict[str, Any] = {"image_id": image, "category_id": _PERSON, "score": item.score}
        if item.points is not None:
            return said | {"keypoints": _flat(item.points, np.ones(len(item.points)))}
        assert item.box is not None
        return said | {"bbox": _wide(item.box)}

    def _evaluator(self, images: int) -> Any:
        from pycocotools.cocoeval import COCOeval

        evaluator = COCOeval(iouType=self.kind)
        evaluator.params.imgIds = list(range(1, images + 1))
        evaluator.params.catIds = [_PERSON]
        if self.kind == "keypoints":
            evaluator.params.kpt_oks_sigmas = self._sigmas
        return evaluator

    def end_of_shard(self) -> None:
        """Evaluate the pictures added since the last call, and forget them."""
        if not self._waiting:
            return
        from pycocotools.coco import COCO

        evaluator = self._evaluator(self._waiting)
        with contextlib.redirect_stdout(io.StringIO()):
            evaluator.cocoGt = COCO()
            evaluator.cocoGt.dataset = {
                "images": [{"id": image} for image in evaluator.params.imgIds],
                "categories": [{"id": _PERSON, "name": "person"}],
                "annotations": self._truth,
            }
            evaluator.cocoGt.createIndex()
            evaluator.cocoDt = evaluator.cocoGt.loadRes(self._found) if self._found else _nothing(evaluator.cocoGt)
            evaluator.evaluate()
        self._keep(evaluator.evalImgs, len(evaluator.params.areaRng))
        self._truth, self._found, self._waiting = [], [], 0

    def _keep(self, results: Sequence[Mapping[str, Any] | None], ranges: int) -> None:
        """``results`` are ordered by range of areas, then by picture; those of a range become one."""
        self._kept = self._kept or [[] for _ in range(ranges)]
        for index, kept in enumerate(self._kept):
            of_range = results[index * self._waiting : (index + 1) * self._waiting]
            if there := [result for result in of_range if result is not None]:
                kept.append(_together(there))

    def figures(self) -> dict[str, float | None] | None:
        """COCO's figures by name, None for one that has nothing to measure; None at all if nobody is annotated."""
        if not self.labelled or not self._kept:
            return None
        evaluator = self._evaluator(len(self._kept[0]))
        evaluator.evalImgs = [result for kept in self._kept for result in kept]
        limits = evaluator.params.maxDets
        evaluator.params.maxDets = [_ANY - distance for distance in range(len(limits), 0, -1)]
        evaluator._paramsEval = copy.deepcopy(evaluator.params)
        with contextlib.redirect_stdout(io.StringIO()):
            evaluator.accumulate()
            evaluator.params.maxDets = limits
            evaluator.summarize()
        stats = {name: float(evaluator.stats[place]) for name, place in _NAMES[self.kind].items()}
        return {name: value if value >= 0 else None for name, value in stats.items()}


def _nothing(truth: Any) -> Any:
    """The results of a detector that found nobody."""
    from pycocotools.coco import COCO

    empty = COCO()
    empty.dataset = {**truth.dataset, "annotations": []}
    empty.createIndex()
    return empty


def _together(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Results of several pictures as one of a picture with all their detections, in the same order.

    Each is cut off at COCO's number of detections a picture already; ``_ANY`` keeps the sum of them from being cut off again.
    """
    matches = [np.asarray(result["dtMatches"], bool) for result in results]
    ignored = [np.asarray(result["dtIgnore"], bool) for result in results]
    return {
        "dtScores": np.concatenate([np.asarray(result["dtScores"], np.float64) for result in results]),
        "dtMatches": np.concatenate(matches, axis=1),
        "dtIgnore": np.concatenate(ignored, axis=1),
        "gtIgnore": np.concatenate([np.asarray(result["gtIgnore"], bool) for result in results]),
    }
