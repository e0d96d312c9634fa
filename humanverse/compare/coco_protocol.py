"""COCO's evaluation of one category, as its protocol is: for where pycocotools is not installed.

Follows ``COCOeval`` of pycocotools (Lin et al., "Microsoft COCO: common objects in context", ECCV 2014; cocodataset.org,
"Detection evaluation"), and gives its figures: detections of a picture take, the surest first, the person of highest similarity
who is still free and is at least as similar as the threshold; persons outside the range of areas, crowds and people without
labels are taken only if nobody else is there, and then the detection does not count. Precision is made to fall with recall, and
read at 101 recalls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from humanverse.compare.coco_items import Found, Judged, Picture, Truth, together
from humanverse.compare.matching import areas, shared
from humanverse.compare.oks import oks

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
_ALL, _SMALL, _MEDIUM, _LARGE = (0.0, 1e10), (0.0, 32.0**2), (32.0**2, 96.0**2), (96.0**2, 1e10)


@dataclass(frozen=True)
class Kind:
    """One kind of evaluation: ranges of areas in square pixels by name, and detections of a picture that are looked at."""

    ranges: Mapping[str, tuple[float, float]]
    most: int


KINDS = {
    "bbox": Kind({"all": _ALL, "small": _SMALL, "medium": _MEDIUM, "large": _LARGE}, 100),
    "keypoints": Kind({"all": _ALL, "medium": _MEDIUM, "large": _LARGE}, 20),
}


def judge(kind: str, sigmas: np.ndarray | None, pictures: Sequence[Picture]) -> list[Judged]:
    """Match the detections of ``pictures``; of each range of areas what came of it.

    Args:
        kind: a key of ``KINDS``.
        sigmas: OKS constants of the slots, for keypoints.
        pictures: at least one.
    """
    settings = KINDS[kind]
    judged = [_picture(settings, sigmas, truth, found) for truth, found in pictures]
    return [together(of_range) for of_range in zip(*judged, strict=True)]


def _picture(kind: Kind, sigmas: np.ndarray | None, truth: Sequence[Truth], found: Sequence[Found]) -> list[Judged]:
    order = np.argsort([-item.score for item in found], kind="stable")[: kind.most]
    best = [found[at] for at in order]
    similar = _similarity(best, truth, sigmas)
    scores = np.array([item.score for item in best], np.float64)
    sizes = np.array([_area(item) for item in best], np.float64)
    crowd = np.array([item.crowd for item in truth], bool)
    counts = np.array([item.counts for item in truth], bool)
    extents = np.array([item.area for item in truth], np.float64)
    return [
        _in_range(similar, scores, _outside(sizes, limits), crowd, ~counts | _outside(extents, limits))
        for limits in kind.ranges.values()
    ]


def _outside(sizes: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return np.asarray((sizes < limits[0]) | (sizes > limits[1]))


def _area(item: Found) -> float:
    """Of the box, or of the box around all points."""
    if item.points is not None:
        return float(np.ptp(item.points, axis=0).prod())
    assert item.box is not None
    return float((item.box[2:] - item.box[:2]).prod())


def _similarity(found: Sequence[Found], truth: Sequence[Truth], sigmas: np.ndarray | None) -> np.ndarray:
    """OKS, or IoU, of which a crowd's is the share of the detection that lies in it: float (n, m)."""
    boxes = np.array([item.box for item in truth], np.float64).reshape(-1, 4)
    if not found or not truth:
        return np.zeros((len(found), len(truth)))
    if sigmas is not None:
        points = np.stack([item.points for item in found if item.points is not None])
        labels = [item.points for item in truth if item.points is not None]
        reference, labelled = (np.stack([label[at] for label in labels]) for at in (0, 1))
        return oks(points, reference, labelled, np.array([item.area for item in truth]), boxes, sigmas)
    own = np.array([item.box for item in found], np.float64).reshape(-1, 4)
    common = shared(own, boxes)
    crowd = np.array([item.crowd for item in truth], bool)
    union = areas(own)[:, None] + np.where(crowd, 0, areas(boxes) - common)
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


def _in_range(
    similar: np.ndarray, scores: np.ndarray, outside: np.ndarray, crowd: np.ndarray, unwanted: np.ndarray
) -> Judged:
    """One picture within one range of areas.

    Args:
        similar: float (n, m), the surest detection first.
        outside: bool (n,), detections that the range does not hold.
        crowd, unwanted: bool (m,), persons who are many, and who need not be found.
    """
    matched = np.zeros((len(THRESHOLDS), len(scores)), bool)
    ignored = np.zeros_like(matched)
    for row, threshold in enumerate(THRESHOLDS):
        free = np.ones(len(crowd), bool)
        for at in range(len(scores)):
            taken = _best(similar[at], free | crowd, unwanted, min(float(threshold), 1 - 1e-10))
            if taken is not None:
                free[taken], matched[row, at], ignored[row, at] = False, True, unwanted[taken]
    ignored |= ~matched & outside
    return Judged(scores, matched, ignored, int((~unwanted).sum()))


def _best(similar: np.ndarray, free: np.ndarray, unwanted: np.ndarray, least: float) -> int | None:
    """Who is most like a detection, from ``least`` on; among equals the last; who is wanted comes first."""
    for candidates in (free & ~unwanted, free & unwanted):
        there = np.flatnonzero(candidates & (similar >= least))
        if len(there):
            return int(there[len(there) - 1 - int(np.argmax(similar[there][::-1]))])
    return None


def figures(kind: str, judged: Sequence[Judged]) -> dict[str, float]:
    """COCO's figures by name, -1 for one that has nothing to measure.

    Args:
        judged: of each range of areas, in the order of ``KINDS[kind].ranges``.
    """
    curves = dict(zip(KINDS[kind].ranges, (_curves(item) for item in judged), strict=True))
    whole = curves["all"][0]
    made = {"AP": _mean(whole), "AP50": _at(whole, 0.5), "AP75": _at(whole, 0.75)}
    sized = {f"AP-{name[0].upper()}": _mean(precisions) for name, (precisions, _) in curves.items() if name != "all"}
    return {**made, **sized, "AR": _mean(curves["all"][1])}


def _at(precisions: np.ndarray, threshold: float) -> float:
    return _mean(precisions[np.equal(THRESHOLDS, threshold)]) if len(precisions) else -1.0


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else -1.0


def _curves(item: Judged) -> tuple[np.ndarray, np.ndarray]:
    """Precision at each of ``RECALLS``, float (thresholds, 101), and recall, float (thresholds,); no rows if nobody is wanted."""
    if not item.wanted:
        return np.zeros((0, len(RECALLS))), np.zeros(0)
    order = np.argsort(-item.scores, kind="stable")
    counted = ~item.ignored[:, order]
    right = np.cumsum(item.matched[:, order] & counted, axis=1).astype(float)
    wrong = np.cumsum(~item.matched[:, order] & counted, axis=1).astype(float)
    recall = right / item.wanted
    precision = right / (right + wrong + np.spacing(1))
    falling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    read = np.zeros((len(THRESHOLDS), len(RECALLS)))
    for row in range(len(THRESHOLDS)):
        places = np.searchsorted(recall[row], RECALLS, side="left")
        there = places < recall.shape[1]
        read[row, there] = falling[row, places[there]]
    return read, recall[:, -1] if recall.shape[1] else np.zeros(len(THRESHOLDS))
