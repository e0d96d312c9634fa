"""Whether pictures show whom they were to show, and whether their depth and normals are theirs.

The judges are the project's lite estimators, which were trained on other pictures. What they say of rendered pictures of the same
size is the best that can be expected, what they say of pictures that belong to another sample is chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pictured import Pictured, enlarged

from annotators import registry
from annotators.base import Annotator, Picture, Row
from humanverse.codec import encode_jpeg
from humanverse.compare.coco_figures import Evaluation
from humanverse.compare.coco_items import Found, Truth
from humanverse.compare.normal import angles
from humanverse.compare.oks import oks
from schemas.layers import OK
from schemas.skeletons import BODY, WHOLEBODY_SIGMAS

SIDE = 256
"""Pictures are enlarged to it before an estimator sees them."""
QUALITY = 95
SEEN = 0.3
"""Confidence from which a point was drawn."""
STEEP = 0.3
"""Slope of the nearness from which it has a direction: change over a whole side, where a picture's nearness goes from 0 to 1."""
ASLANT = 0.3
"""Length of a normal in the picture's plane from which it has one."""
LEAST = 16
"""Pixels of which a figure is made."""
SIGMAS = np.array(WHOLEBODY_SIGMAS)[: len(BODY)]


def apart(depth: np.ndarray, normal: np.ndarray) -> float:
    """Degrees between the slope of the nearness and the normals, the median over the pixels in which both have a direction.

    1 / depth of a plane n . P = c is n . r / c, with r = (u, -v, -1) the ray of pixel (u, v), v downwards. It is linear in the
    picture, c is below 0 where the plane faces the camera, so it rises towards (-n_x, n_y), whatever its scale and offset.

    Args:
        depth: float (height, width), 1 / depth with any scale above 0 and any offset; NaN where there is none.
        normal: float (height, width, 3), x right, y up, z to the camera; NaN where there is none.

    Returns:
        0 to 180; 90 by chance. NaN if there are too few pixels.
    """
    slope = np.stack([np.gradient(depth, axis=1), np.gradient(depth, axis=0)], axis=-1) * len(depth)
    facing = np.stack([-normal[..., 0], normal[..., 1]], axis=-1)
    clear = (np.linalg.norm(slope, axis=-1) >= STEEP) & (np.linalg.norm(facing, axis=-1) >= ASLANT)
    if clear.sum() < LEAST:
        return float("nan")
    turned = slope[clear, 0] * facing[clear, 1] - slope[clear, 1] * facing[clear, 0]
    return float(np.median(np.degrees(np.abs(np.arctan2(turned, (slope[clear] * facing[clear]).sum(axis=-1))))))


def alike(depth: np.ndarray, nearness: np.ndarray) -> float:
    """Spearman's rank correlation of a depth with a nearness, turned: 1 is perfect, 0 chance. NaN if there are too few pixels."""
    from scipy.stats import spearmanr

    both = np.isfinite(depth) & np.isfinite(nearness)
    if both.sum() < LEAST or np.ptp(nearness[both]) == 0 or np.ptp(depth[both]) == 0:
        return float("nan")
    return -float(spearmanr(depth[both], nearness[both]).statistic)


def between(normal: np.ndarray, other: np.ndarray) -> float:
    """Degrees between normals, the median over the pixels that have both; NaN if there are too few."""
    both = np.isfinite(normal).all(axis=-1) & np.isfinite(other).all(axis=-1)
    return float(np.median(angles(normal[both], other[both]))) if both.sum() >= LEAST else float("nan")


@dataclass(frozen=True, eq=False)
class Seen:
    """What the estimators see in a picture, in ``SIDE`` x ``SIDE`` pixels.

    Attributes:
        body: float (17, 2).
        score: of it.
        depth: float (SIDE, SIDE), larger is farther; NaN beside the person.
        normal: float (SIDE, SIDE, 3), likewise.
    """

    body: np.ndarray
    score: float
    depth: np.ndarray
    normal: np.ndarray


class Judge:
    """The lite estimators, loaded."""

    def __init__(self) -> None:
        names = {"pose": "movenet-mediapipe", "depth": "lite-structure", "normal": "lite-structure"}
        self._annotators: dict[str, Annotator] = {kind: registry.get(kind, name)() for kind, name in names.items()}
        for annotator in self._annotators.values():
            annotator.load()

    def look(self, shown: Pictured) -> Seen:
        """What is seen in ``shown`` at the place where its person is to be."""
        large = enlarged(shown, SIDE)
        picture = Picture(large.name, encode_jpeg(large.rgb, QUALITY))
        ok = {"status": OK, "reason": None}
        person: Row = {**ok, "boxes": [large.box.tolist()], "scores": [1.0]}
        told: Row = {**ok, "keypoints": [large.points.ravel().tolist()], "scores": [1.0]}
        pose: Any = self._annotators["pose"].annotate([picture], {"person": [person]})[0]
        maps: dict[str, Any] = {
            kind: self._annotators[kind].annotate([picture], {"person": [person], "pose": [told]})[0]
            for kind in ("depth", "normal")
        }
        body = np.array(pose["keypoints"][0], np.float64).reshape(-1, 3)[: len(BODY), :2]
        depth, normal = (over(np.asarray(maps[kind]["map"]), maps[kind]["map_box"]) for kind in ("depth", "normal"))
        return Seen(body, float(pose["scores"][0]), depth, normal)

    def figures(self, shown: Sequence[Pictured]) -> dict[str, float]:
        """Figures over pictures: see ``page.MEANING`` and ``page.EXPLAINED``."""
        evaluation = Evaluation("keypoints", SIGMAS)
        found: dict[str, list[float]] = {"oks": [], "rgb_depth": [], "rgb_normal": [], "depth_normal": []}
        for one in shown:
            seen, large = self.look(one), enlarged(one, SIDE)
            body, drawn = large.points[: len(BODY), :2], large.points[: len(BODY), 2] >= SEEN
            evaluation.add([Truth(large.box, large.area, False, (body, drawn))], [Found(seen.score, points=seen.body)])
            similar = oks(seen.body[None], body[None], drawn[None], np.array([large.area]), large.box[None], SIGMAS)
            found["oks"].append(float(similar[0, 0]))
            found["rgb_depth"].append(alike(seen.depth, large.depth))
            found["rgb_normal"].append(between(seen.normal, large.normal))
            found["depth_normal"].append(apart(one.depth, one.normal))
        evaluation.end_of_shard()
        said = evaluation.figures() or {}
        precision = {"ap": float(said.get("AP") or 0.0), "ap50": float(said.get("AP50") or 0.0)}
        return {**precision, **{name: mean(values) for name, values in found.items()}}


def mean(values: Sequence[float]) -> float:
    """Of those that there are; NaN if there are none."""
    there = [value for value in values if np.isfinite(value)]
    return float(np.mean(there)) if there else float("nan")


def over(values: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """A map read at the middles of the pixels of a picture of ``SIDE`` x ``SIDE``; NaN outside its box (x0, y0, x1, y1)."""
    found = np.full((SIDE, SIDE, *values.shape[2:]), np.nan, np.float32)
    at: list[np.ndarray] = []
    there: list[np.ndarray] = []
    for low, high, cells in zip(box[:2], box[2:], values.shape[1::-1], strict=True):
        place = np.floor((np.arange(SIDE) + 0.5 - low) / (high - low) * cells).astype(int)
        inside = np.flatnonzero((place >= 0) & (place < cells))
        at.append(place[inside])
        there.append(inside)
    found[np.ix_(there[1], there[0])] = values[np.ix_(at[1], at[0])]
    return found
