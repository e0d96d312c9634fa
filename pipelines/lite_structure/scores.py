"""How good maps of depth and normals of people are, against the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from annotators.structure.inputs import CHANNELS
from humanverse.compare.depth import align, errors
from humanverse.compare.normal import angles
from pipelines.lite_structure.views import Truth, View

Maps = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Depth (side, side), normal (3, side, side) and the mask of people (side, side) bool that some method says."""
Estimator = Callable[[np.ndarray], np.ndarray]
"""float32 (n, 8, side, side) -> (n, 5, side, side), as the network."""


@dataclass(frozen=True)
class Scores:
    """Means over views of what was measured inside the people.

    A pixel of a person that the method leaves out counts as wrong: 180 degrees, and not within 1.25.

    Attributes:
        normal_median_deg: of each view, the median angle to the true normal, in degrees.
        normal_mean_deg: the same, the mean angle, of pixels that are not left out.
        depth_delta1: share of pixels within a factor of 1.25 of the true depth, after the best scale and shift.
        depth_abs_rel: mean of |d - true| / true after the same, of pixels that are not left out.
        mask_iou: intersection over union of the people said and true.
        covered: share of the people's pixels that are not left out.
    """

    normal_median_deg: float
    normal_mean_deg: float
    depth_delta1: float
    depth_abs_rel: float
    mask_iou: float
    covered: float


def measured(truth: Truth, maps: Maps) -> Scores:
    """The scores of one picture or view."""
    depth, normal, people = maps
    known = truth.known
    has = known & people
    covered = float(has.sum() / max(known.sum(), 1))
    iou = float((people & truth.people).sum() / max((people | truth.people).sum(), 1))
    if has.sum() < 2:
        return Scores(180.0, 180.0, 0.0, 1.0, iou, covered)
    apart = angles(np.moveaxis(normal, 0, -1)[has], np.moveaxis(truth.normal, 0, -1)[has])
    everywhere = np.concatenate([apart, np.full(int(known.sum() - has.sum()), 180.0)])
    true = truth.depth[has].astype(np.float64)
    found = errors(align(depth[has].astype(np.float64), true, False, False).values, true)
    return Scores(
        float(np.median(everywhere)), float(apart.mean()), found["delta1"] * covered, found["abs_rel"], iou, covered
    )


def mean(scores: Sequence[Scores]) -> Scores:
    """The mean of each figure."""
    return Scores(**{name: float(np.mean([getattr(one, name) for one in scores])) for name in Scores.__annotations__})


def maps_of(said: np.ndarray) -> Maps:
    """The maps in one output of the network, float (5, side, side)."""
    return said[0], said[1:4], said[4] > 0


def network_scores(views: Iterable[View], estimate: Estimator) -> Scores:
    """The network's scores, one view at a time.

    Raises:
        ValueError: if a view is not what the network sees.
    """
    found = []
    for view in views:
        if view.input.shape[0] != CHANNELS:
            raise ValueError(f"a view has {view.input.shape[0]} planes, and the network looks at {CHANNELS}")
        found.append(measured(view, maps_of(estimate(view.input[None])[0])))
    return mean(found)
