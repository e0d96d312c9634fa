"""OKS against pycocotools' own."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from humanverse.compare.oks import oks, point_similarity
from schemas.skeletons import BODY_SIGMAS, WHOLEBODY_SIGMAS

ANNOTATIONS = Path(__file__).parents[4] / "shared" / "data" / "annotations" / "person_keypoints.json"


def theirs(points, reference, labelled, areas, boxes, sigmas):
    """``COCOeval.computeOks`` on one picture."""
    from pycocotools.cocoeval import COCOeval

    evaluation = COCOeval(iouType="keypoints")
    evaluation.params.kpt_oks_sigmas = np.array(sigmas)
    evaluation.params.maxDets = [len(points)]
    evaluation._gts[1, 1] = [
        {
            "keypoints": np.column_stack([xy, 2 * there]).ravel(),
            "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
            "area": area,
        }
        for xy, there, area, box in zip(reference, labelled, areas, boxes, strict=True)
    ]
    evaluation._dts[1, 1] = [{"keypoints": np.column_stack([xy, xy[:, 0]]).ravel(), "score": 1} for xy in points]
    return evaluation.computeOks(1, 1)


@pytest.mark.parametrize("sigmas", [BODY_SIGMAS, WHOLEBODY_SIGMAS], ids=["body", "whole body"])
def test_random_people(sigmas) -> None:
    random = np.random.default_rng(1)
    slots = len(sigmas)
    reference = random.uniform(0, 300, (5, slots, 2))
    points = reference[[0, 1, 2, 3, 0, 4]] + random.normal(0, 12, (6, slots, 2))
    labelled = random.random((5, slots)) < 0.6
    labelled[3] = False
    areas = random.uniform(100, 40_000, 5)
    corners = np.sort(random.uniform(0, 300, (5, 2, 2)), axis=1)
    boxes = corners.reshape(5, 4)
    ours = oks(points, reference, labelled, areas, boxes, np.array(sigmas))
    np.testing.assert_allclose(ours, theirs(points, reference, labelled, areas, boxes, sigmas), atol=1e-6)
    assert ours[0, 0] > 0.1 > ours[0, 1], "the numbers are not all alike"


def test_real_annotations() -> None:
    if not ANNOTATIONS.exists():
        pytest.skip(f"no annotations at {ANNOTATIONS}")
    entries = json.loads(ANNOTATIONS.read_text())["annotations"]
    flat = np.array([entry["keypoints"] for entry in entries], float).reshape(len(entries), 17, 3)
    boxes = np.array([[x, y, x + w, y + h] for x, y, w, h in (entry["bbox"] for entry in entries)])
    given = SimpleNamespace(
        reference=flat[..., :2],
        labelled=flat[..., 2] > 0,
        areas=np.array([entry["area"] for entry in entries]),
        boxes=boxes,
        sigmas=np.array(BODY_SIGMAS),
    )
    points = flat[..., :2] + np.random.default_rng(2).normal(0, 5, flat[..., :2].shape)
    found = oks(points, **vars(given))
    np.testing.assert_allclose(found, theirs(points, **vars(given)), atol=1e-6)
    assert 0.3 < np.diag(found)[given.labelled.any(axis=1)].mean() < 0.99


def test_a_point_of_known_distance() -> None:
    """At a distance of 2 sigma times the square root of the area the similarity is exp(-1/2)."""
    sigma, area = 0.05, 400.0
    found = point_similarity(np.array([2 * sigma * 20, 0.0]), np.zeros(2), np.array(area), np.array([sigma]))
    np.testing.assert_allclose(found, np.exp(-0.5), rtol=1e-12)


def test_nobody() -> None:
    sigmas = np.array(BODY_SIGMAS)
    nobody, one = np.zeros((0, 17, 2)), np.zeros((1, 17, 2))
    assert oks(nobody, one, np.ones((1, 17), bool), np.ones(1), np.ones((1, 4)), sigmas).shape == (0, 1)
    assert oks(one, nobody, np.ones((0, 17), bool), np.ones(0), np.ones((0, 4)), sigmas).shape == (1, 0)
